"""What an application under test answers, in the words of those who ask it over HTTP."""

from cairn.common.errors import Problem


class Answer:
    """A test client's answer in requests' words."""

    def __init__(self, response):
        self.status_code, self.content = response.status_code, response.data
        self.text, self.json = response.text, response.get_json


def code_of(ask):
    """The code that a question is refused with; None where it is answered."""
    try:
        ask()
    except Problem as problem:
        return problem.code
    return None
