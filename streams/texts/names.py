"""What things are called in front of people: the field's term, and plain words beside it."""

MODELS = {
    "first": "First touch: all to the first touch",
    "last": "Last touch: all to the last touch",
    "last_click": "Last click: all to the last click",
    "linear": "Linear: every touch equally",
    "position": "Position-based: most to the first and the last touch",
    "time_decay": "Time decay: most to recent touches",
    "shapley": "Shapley: every campaign equally",
    "markov": "Markov: what would be lost without the campaign (removal effect)",
}
REASONS = {
    "no_consent": "advertising consent denied",
    "no_token": "buyer not known (anonymous)",
    "out_of_window": "outside the lookback window",
    "no_touch": "no touch seen",
    "ambiguous_identity": "identifier shared by several people",
    "erased": "erased on request",
}
# What the view goal_progress says of a goal.
STATUS = {
    "reached": "reached",
    "missed": "missed",
    "on course": "on course",
    "a little behind": "a little behind",
    "behind": "behind",
    "too early to tell": "too early to tell",
    "no target": "no target",
}


def model_name(model: str) -> str:
    """The model's name for people; a model that another version wrote is called by its own name."""
    return MODELS.get(model, model)


def reason_name(reason: str) -> str:
    """Why a conversion is not attributed, for people."""
    return REASONS.get(reason, reason)
