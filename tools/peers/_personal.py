"""Texts with personal data whose spans are known, by Faker; and numbers that are none. For _quality.py."""

import json
import random

from faker import Faker

LOCALES = ["en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "ja_JP",
           "zh_CN", "ru_RU", "tr_TR", "en_IN", "hi_IN", "cs_CZ", "ko_KR"]
WITH_IBAN = ["en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "tr_TR", "pt_BR"]
KINDS = ["email", "phone", "phone", "iban", "card", "ip", "key"]
UPPER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
ANY = UPPER + UPPER.lower() + DIGITS
# What stands behind a value, by what stands before it.
CLOSING = {"<": ">", '"api_key": "': '"'}


class Source:
    def __init__(self, seed):
        Faker.seed(seed)
        self.draw = random.Random(seed)
        self.fakers = {locale: Faker(locale) for locale in LOCALES}

    def letters(self, letters, count):
        return "".join(self.draw.choice(letters) for _ in range(count))

    def groups(self, digits, sign=" "):
        return sign.join(digits[i:i + 4] for i in range(0, len(digits), 4))

    def value(self, kind, faker):
        """What stands before it, and it."""
        draw = self.draw
        if kind == "email":
            return draw.choice(["Email: ", "write to ", "contact me at ", "<", "", "Mail an "]), faker.ascii_email()
        if kind == "phone":
            before = ["call me at ", "Phone: ", "Tel. ", "my number is ", "reach me on ", "", "(mobile) ", "Kontakt: "]
            return draw.choice(before), faker.phone_number()
        if kind == "iban":
            iban = self.fakers[draw.choice(WITH_IBAN)].iban()
            return draw.choice(["IBAN ", "account ", "pay to ", ""]), self.groups(iban) if draw.random() < 0.4 else iban
        if kind == "card":
            card, form = faker.credit_card_number(), draw.random()
            if len(card) == 16 and form < 0.45:
                card = self.groups(card, " " if form < 0.3 else "-")
            return draw.choice(["card ", "card number: ", "charged to ", ""]), card
        if kind == "ip":
            return draw.choice(["from ", "IP: ", "host ", ""]), faker.ipv4() if draw.random() < 0.6 else faker.ipv6()
        return self.key()

    def key(self):
        part = lambda count: "eyJ" + self.letters(ANY + "_-", count)
        line = lambda: self.letters(ANY + "+/", 64)
        return self.draw.choice([
            lambda: ("The access key is ", "AKIA" + self.letters(UPPER + "234567", 16)),
            lambda: ("export GITHUB_TOKEN=", "ghp_" + self.letters(ANY, 36)),
            lambda: ("api_key=", self.letters(ANY, self.draw.choice([24, 32, 40]))),
            lambda: ("Authorization: Bearer ", f"{part(30)}.{part(60)}.{self.letters(ANY + '_-', 43)}"),
            lambda: ("see ", f"-----BEGIN RSA PRIVATE KEY-----\n{line()}\n{line()}\n-----END RSA PRIVATE KEY-----"),
            lambda: ('"api_key": "', self.fakers["en_US"].sha1()),
        ])()

    def decoy(self):
        """A number that is nobody's."""
        draw, faker = self.draw, self.fakers["en_US"]
        return draw.choice([
            lambda: "order " + self.letters(DIGITS, 10),
            lambda: "invoice no. " + self.letters(DIGITS, 8),
            lambda: "on " + faker.date(pattern=draw.choice(["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y %H:%M:%S"])),
            lambda: "version " + ".".join(str(draw.randrange(20)) for _ in range(draw.choice([3, 4]))),
            lambda: f"for ${draw.randrange(1, 99)},{draw.randrange(1000):03}.{draw.randrange(100):02}",
            lambda: "ISBN " + draw.choice([faker.isbn13, faker.isbn10])(),
            lambda: f"SKU {self.letters(UPPER, 3)}-{self.letters(DIGITS, 4)}-{self.letters(DIGITS, 3)}",
            lambda: "ticket #" + self.letters(DIGITS, 7),
            lambda: f"about {draw.randrange(10 ** 7)} people",
            lambda: f"lat {draw.uniform(-90, 90):.6f}, lon {draw.uniform(-180, 180):.6f}",
            lambda: "barcode " + faker.ean13(),
        ])()

    def text(self):
        """A text, and the spans `(kind, first byte, byte after the last)` of what is in it."""
        draw, faker = self.draw, self.fakers[self.draw.choice(LOCALES)]
        text, spans = faker.sentence() + " ", []
        for _ in range(draw.choice([0, 1, 1, 2, 3])):
            kind = draw.choice(KINDS)
            before, value = self.value(kind, faker)
            start = len((text + before).encode())
            spans.append((kind, start, start + len(value.encode())))
            text += before + value + CLOSING.get(before, "") + draw.choice([". ", ", ", " ", "; ", " - "])
            text += faker.sentence() + " "
        if draw.random() < 0.5:
            text += f"{self.decoy()}. {faker.sentence()}"
        return text, spans


def write(count, seed, out):
    source = Source(seed)
    made = [source.text() for _ in range(count)]
    with open(out, "w", encoding="utf-8", newline="") as file:
        file.write("\0".join(text for text, _ in made))
    with open(f"{out}.json", "w", encoding="ascii") as file:
        json.dump([spans for _, spans in made], file)
