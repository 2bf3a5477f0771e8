"""Pictures of paper 5.

method_pictures   what its method notebook shows of the face model, light and large kernels
loss_pictures     what its losses see, and where no gradient flows
fit_pictures      a direct fit, step by step
"""
