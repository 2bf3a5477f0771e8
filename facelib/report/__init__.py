"""What readers look at, floor 5; everything here reads records and trains nothing.

style      house style and the tier label that every picture carries
records    the records of a tier
tables     ours beside the printed numbers; Markdown, CSV, LaTeX
figures    ROC curves, t-SNE, attention over image pairs
manifest   pictures with their source data and a line on where they come from
views      a face mesh to turn
"""
