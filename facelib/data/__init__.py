"""Data, floor 3: embedded (generated) and licensed (read), all giving the samples of `samples.py`.

samples           what every data set yields
archive           a data set on disk: memory-mapped arrays with a fingerprint, made once, in resumable parts
clouds            the cloud of each photograph
posed_faces       photographs with the shape and pose of their faces
scan_files        scans in files of many kinds (range_files: of scanners; vrml_files)
scan_preparation  from range scans to normal component images (frontal_alignment: by a fit of the scan_template)
surface_images    these images as networks see them; surface_settings: how they are made and varied, without torch;
                  prepared_scans and reconstructed_faces: in the cache
known_photographs photographs with their true shapes, and who reads them; told_apart: people who are told apart
depth_faces       depth frames of faces, with labels and without
augmentation      photographs turned, shifted, scaled and tinted, with their masks and poses
occlusion         random shapes before faces
photograph_style  uneven skin, highlights, tones and compression
kept_batches      batches of a stream on disk; ahead: made ahead of the training; streamed: by epochs
embedded          the generated counterparts of the papers' data sets
licensed          readers of the data sets that their owners license
protocol          identity-disjoint folds, gallery and probes, roles of photographs
catalog           every data set by name
"""
