"""What results are judged by, in NumPy.

Rooms: verification (pairs), identification (galleries).
"""
