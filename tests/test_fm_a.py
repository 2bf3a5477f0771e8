def test_a(face_model): assert len(face_model.mean) > 1000
