"""Reports on paper: what a page shows, as a tagged PDF. Each is a `Document` of blocks, made from the page's own
selectors and figures, and set by one template."""
