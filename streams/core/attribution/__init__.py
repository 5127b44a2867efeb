"""From a conversion and its touches to credit: models, restatements, transitions."""
