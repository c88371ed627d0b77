"""Is it the same model, and is it still: two recordings compared, and an endpoint watched."""
