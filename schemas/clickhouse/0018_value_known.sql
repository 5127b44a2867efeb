-- Whether an order said what it was worth: one without a usable amount counts as a conversion of value 0.
ALTER TABLE conversions
    ADD COLUMN IF NOT EXISTS value_known UInt8 DEFAULT 1
    COMMENT '0 = the order had no usable amount, and its value is 0 for want of one' AFTER value;
