"""Pictures of paper 5.

method_pictures   what its method notebook shows of the face model, light and large kernels
loss_pictures     what its losses see, and where no gradient flows
fitting_steps     a direct fit, step by step
readings          what methods read off photographs, as faces that lie in them; material: of the runs of a tier
conditions        which photographs are shown, by rule
comparison_pictures   figures 4 to 7; error_maps: figure 8, and people of FaceWarehouse; turnable: one face to turn
yaw_data          landmarks by yaw; learning_curve: against photographs learnt from
fit_files         the folder of `facelib fit`; fit_pictures: the face over its photograph, in other light, and turned
"""
