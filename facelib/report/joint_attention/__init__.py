"""Pictures of paper 1.

roc, interactive       figure 3: ROC curves by pose, and the same to play with
tsne                   figure 4: t-SNE, and how well identities separate
attention, saliency    figure 5: what networks look at in pairs of images
attention_course       gamma and the rows of attention, epoch by epoch
pose_curves            tables I to III as pictures
selection              which epoch runs kept, and on what that choice rested
method_pictures        the drawings of its method notebook
"""
