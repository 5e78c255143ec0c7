"""The text that models are recorded on, where no other is given: plain English, numbers, some code."""

from __future__ import annotations

PASSAGE = """\
The harbour lay quiet that morning. Two boats had come in before dawn, and their crews were asleep;
a third, the smallest of them, still rode at anchor beyond the wall and waited for the tide. Old
Marten, who kept the light, wrote the day into his book as he had done for thirty-one years: wind
from the north-west, force four; glass at 1012 and falling; visibility good. Then he put the kettle
on and looked for his spectacles, which were, as ever, on his nose.

At half past seven his granddaughter ran up the stairs. "Somebody is on the sandbank," she said. "I
counted three people and a dog." Marten took the telescope to the window. There were four people, as
it turned out, and the dog was a goat, but otherwise she had been right. The water would reach them
in forty minutes. He rang the bell, the crews woke, and before the kettle boiled a boat was on its
way.

How long does it take to row 1,200 metres at 2.5 metres per second? Eight minutes, if nobody argues.
They argued, and it took eleven. The goat came first into the boat, then the children, and last a
very wet man in a grey coat, who thanked everyone in three languages: "Thank you! Danke schön! Merci
beaucoup !" Nobody asked what the goat had been for.

In the evening the girl wrote a program for the lighthouse, so that it would not happen again:

def warn(level, rising, people):
    if rising and level > 0.8 and people:
        return f"{len(people)} on the bank: ring the bell"
    return "all is well"

Her grandfather read it twice. He changed nothing, made a note of the date, and said that the best
machines are those which do one thing, do it every time, and tell you when they cannot.
"""
