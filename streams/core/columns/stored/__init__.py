"""Stored runs: in memory or in files, what is known of each without looking into it, and how several become one."""
