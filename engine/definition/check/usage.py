"""What is declared and never used: warnings, for it is often a slip of the pen."""

from engine.definition.check.survey import Survey
from engine.definition.events import catches
from engine.definition.model import Backoff


def check_usage(survey: Survey) -> None:
    """Events, parameters and context variables."""
    descriptors = {survey.meant_descriptor(b) for b in survey.branches if b.kind == "on"}
    for name in survey.model.events:
        heard = any(catches(descriptor, name) for descriptor in descriptors)
        if not heard and not survey.lost.mentions(name):
            message = f"Nothing handles the event '{name}'."
            survey.say("unused-event", ("events", name), message, key=True, severity="warning")
    read = {name for expression in survey.expressions for name in expression.names}
    read |= survey.mentioned
    used = read | survey.definition.resolved.followed
    for wait in survey.waits:
        if isinstance(wait.delay, Backoff):
            delay = wait.delay
            used |= {str(each) for each in (delay.base, delay.factor, delay.max, delay.jitter)}
        else:
            used.add(wait.delay)
    for name in survey.model.parameters:
        if name not in used and not survey.lost.mentions(name):
            message = f"Nothing uses the parameter '{name}'."
            loc = ("parameters", name)
            survey.say("unused-parameter", loc, message, key=True, severity="warning")
    assigned = {name for doing in survey.doings for name in doing.action.assign or ()}
    for name in survey.model.context:
        loc = ("context", name)
        if survey.lost.mentions(name):
            continue
        if name not in read | assigned:
            message = f"Nothing uses the context variable '{name}'."
            survey.say("unused-variable", loc, message, key=True, severity="warning")
        elif name not in assigned:
            message = f"Nothing ever assigns to '{name}': it keeps its first value."
            hint = "Make it a parameter, or assign to it."
            survey.say("never-assigned", loc, message, hint, key=True, severity="warning")
