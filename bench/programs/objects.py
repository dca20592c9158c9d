"""Records made, written as JSON, read back and counted: Python with every object from malloc (PYTHONMALLOC=malloc).

Usage: objects.py SCALE
"""

import json
import random
import sys


def make_record(number, rng):
    return {
        "number": number,
        "name": "record-%06d" % number,
        "tags": ["tag%d" % rng.randrange(500) for _ in range(rng.randrange(8))],
        "price": rng.random() * 100,
        "parent": {"number": rng.randrange(number + 1), "note": "x" * rng.randrange(60)},
    }


def count_words(records):
    words = {}
    for record in records:
        for word in record["tags"] + record["name"].split("-"):
            words[word] = words.get(word, 0) + 1
    return words


def main():
    rng = random.Random(1)
    count = max(1, int(12000 * float(sys.argv[1])))
    kept = {}
    for _ in range(6):
        records = [make_record(number, rng) for number in range(count)]
        text = json.dumps(records)
        again = json.loads(text)
        assert again == records
        for word, times in count_words(again).items():
            kept[word] = kept.get(word, "") + "%d;" % times


main()
