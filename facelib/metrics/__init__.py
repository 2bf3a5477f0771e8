"""What results are evaluated by, in NumPy.

Rooms: verification (pairs), identification (galleries), streaming (both, from embeddings of any number), late_fusion
(of several features), verification_bounds (in fixed memory), bootstrap and pair_bootstrap (intervals over identities),
landmark_error, pose_error, surface_error, scan_protocols and now_protocol (in torch). Behind them: inputs (checks),
sorted_scores, score_histogram, exact_thresholds and streaming_kernels (engines).
"""
