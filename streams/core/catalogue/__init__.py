"""Goals, campaigns and holdouts, as they are written and checked."""
