"""What readers look at, floor 5; everything here reads records and trains nothing.

style      house style and the tier label that every picture carries
records    the records of a tier
tables     ours beside the printed numbers; Markdown, CSV, LaTeX
figures    ROC curves, rates by pose, t-SNE
manifest   pictures with their source data and a line on where they come from
attention  attention over image pairs
views      a face mesh to turn, photographs in studio light, frames and landmarks
method_pictures   the drawings of paper 1's method notebook
"""
