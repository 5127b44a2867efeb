"""Touches that the collector sees itself: links and QR codes that people follow, and a pixel."""
