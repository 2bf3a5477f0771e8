"""Paper 5: MSMA, coefficients of a face model from one photograph, learnt through a differentiable renderer.

face_renderer   from coefficients to a picture; objective: the losses of eq. 14; settings: their weights
fitting         coefficients of single photographs by descent, without a network
"""
