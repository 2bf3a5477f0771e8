"""What methods of table I add to identification: a source of cloud embeddings, and terms between them and the images'.

sources             a branch of clouds trained along, with a classifier or without, or a frozen teacher
moments             MMD, CORAL
correspondence      IMID, CMID; crosspoint: both alone, of CrossPoint's own features
teaching            teacher-student
residual_transform  the RST-inspired transform with domain invariance

All terms weigh the same, as the paper's own do (section IV.E); for the methods it compares with it gives no weights.
"""
