"""What campaigns cost: records, exports of ad platforms, and exchange rates, read."""
