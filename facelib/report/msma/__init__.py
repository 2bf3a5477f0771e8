"""Pictures of paper 5.

method_pictures   what its method notebook shows of the face model, light and large kernels
loss_pictures     what its losses see, and where no gradient flows
fitting_steps     a direct fit, step by step
fit_files         the folder of `facelib fit`; fit_pictures: the face over its photograph, in other light, and turned
"""
