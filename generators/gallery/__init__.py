"""Variants as a page that shows them as shoppers will see them."""

from generators.gallery.page import gallery_page, write_gallery

__all__ = ["gallery_page", "write_gallery"]
