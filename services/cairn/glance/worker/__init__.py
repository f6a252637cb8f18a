"""glance-worker: brings images in."""
