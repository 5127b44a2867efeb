"""The pure core: bytes and times in, values out. No I/O, clock, environment or Faust."""
