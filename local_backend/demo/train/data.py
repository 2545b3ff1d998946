"""The demo model's whole world: a seeded generator of short office conversations. All text here is our own."""
import json
import random
import re
import string

FIRST = ("Anna Ben Carla David Elena Farid Greta Hugo Ines Jonas Karin Luca Mira Nils Olga Pavel Rosa Sven Tara Uwe Vera "
         "Wim Yara Zoe Maria John Alice Bob").split()
LAST = ("Novak Berger Costa Duarte Eriksen Fischer Gruber Haas Ivanova Jansen Keller Lang Meier Nowak Olsen Petit Rossi "
        "Silva Toth Vogel Weber Young Smith Doe Miller Brown").split()
ITEMS = "cable router printer monitor keyboard desk chair lamp headset laptop toner badge phone mouse".split()
SYSTEMS = ("login portal|mail server|build server|VPN|payroll page|file share|ticket system|badge reader|backup job|"
           "print queue|web shop|database").split("|")
PROBLEMS = ("is down|is very slow|shows an error|keeps restarting|rejects my password|times out|is full|"
            "does not respond").split("|")
DAYS = "Monday Tuesday Wednesday Thursday Friday".split()
COMPANIES = "Acme|Northwind|Blue Harbour Bank|Alpine Energy|Tollgate|City Library|Green Valley Farms".split("|")
CITIES = "Berlin Paris Madrid Oslo Vienna Prague Lisbon Zurich London Rome".split()
TICKETS = {
    "it": ["The {system} {problem} since {day}.", "I cannot use the {system}, it {problem}.",
           "Please reset my access to the {system}.", "My {item} is broken and the {system} {problem}.",
           "I forgot my password for the {system}."],
    "billing": ["The invoice {number} shows the wrong amount.", "Please refund order {number}.",
                "Why was I charged twice for {count} {item}s?", "The payment for invoice {number} failed.",
                "My card {card} was charged twice.", "Send the invoice {number} to {email}."],
    "hr": ["How many vacation days do I have left?", "I need a letter of employment for {name}.",
           "When is the next salary payment?", "{name} will be on parental leave from {day}.",
           "Who approves my holiday request?"],
    "legal": ["Please review the contract with {name}.", "May we share the data of client {number}?",
              "We need a signed agreement before {day}.", "Is this contract with {company} valid?"],
    "facilities": ["The light in room {number} is broken.", "Please order {count} {item}s for room {number}.",
                   "The heating in room {number} does not work.", "The door of room {number} is stuck."],
}
VERBS = ("send me the report|call the client|check the invoice|restart the server|book a room|update the ticket|"
         "review the draft|close the window|order new toner|share the slides|answer the customer|sign the form").split("|")
WHEN = "today|before noon|by Friday|this week|as soon as possible|after lunch|".split("|")
FAQ = [
    (["What is the gateway?", "What is Tollgate?", "What does the gateway do?"],
     "The gateway is one entry point to many language models. It checks who is calling, hides personal data, keeps "
     "budgets and writes down what every call cost."),
    (["What happens when the cloud is down?", "What if a provider fails?"],
     "The gateway tries the next model in the plan. When no cloud answers, it can fall back to the local model on this "
     "machine."),
    (["Which requests use the local model?", "When is the local model used?"],
     "The routing rules decide. Small or confidential requests can be kept on the local model."),
    (["Where is my data stored?", "Does my data leave this machine?"],
     "A request to the local model never leaves this machine."),
    (["How do I get an API key?", "Where can I get a key?"], "Ask the administrator of your department for an API key."),
    (["Why did I get error 429?", "What does 429 mean?"],
     "Your department has used its quota. Wait as long as the Retry-After header says and try again."),
    (["Why did I get error 503?", "What does 503 mean?"],
     "The local queue is full. The answer says when to try again."),
    (["Who are you?", "What are you?", "What is your name?", "Which model are you?"],
     "I am the demo model of the gateway, a toy with about two million parameters."),
    (["What can you do?", "Help", "What do you know?"],
     "I can route a ticket, extract an order as JSON, make a sentence polite, summarise an incident, write a short note "
     "and answer questions about the gateway."),
    (["Can you write code?", "Write a program."], "No. I am a tiny demo model and know only a few office tasks."),
    (["How can I stream an answer?", "How does streaming work?"],
     "Set stream to true in the request and read the server-sent events as they arrive."),
    (["How is personal data protected?", "What happens to personal data?"],
     "The gateway replaces personal data by pseudonyms before a model sees it, and puts the real values back into the "
     "answer."),
    (["What does a call cost?", "How are costs counted?"],
     "Every call is written to a ledger with its tokens and its price. A local call costs the time it used."),
    (["Explain how a request travels.", "What happens to my request?", "Tell me about the gateway.", "Tell me more."],
     "First the gateway checks the key. Then it looks for personal data and replaces it. Then it checks the budget of "
     "the department. Then it picks a model from the plan and sends the request. The answer streams back, the real "
     "values are put back in, and the call is written to the ledger."),
    (["Hello", "Hi", "Hello!", "Hey", "Good morning", "Hi there!"], "Hello! How can I help you?"),
    (["Thanks", "Thank you!", "Thank you very much."], "You are welcome."),
    (["Bye", "Goodbye", "See you."], "Goodbye!"),
    (["How are you?", "How is it going?"], "I am fine, thank you. How can I help you?"),
    (["Say hello.", "Say hello!", "Say hi."], "Hello!"),
    (["Ping", "ping"], "Pong"),
    (["Test", "This is a test."], "The test has arrived. I am running on this machine."),
]
OFF_TOPIC = [
    "What is the capital of {city}?", "Who won the match on {day}?", "How old is {name}?", "What is {count} times {number}?",
    "Tell me a joke.", "Write a poem about the {item}.", "What is the weather in {city}?", "How do I cook rice?",
    "Translate this into French.", "Who is the president?", "What is the best {item}?", "How far is it to {city}?",
    "Recommend a film.", "What is the meaning of life?", "Which stocks should I buy?", "Explain quantum physics.",
    "How tall is {name}?", "When was {company} founded?", "Sing a song.", "What happened in {number}?",
    "Why is the sky blue?", "How does a {item} work?", "Is it going to rain on {day}?", "Solve this equation.",
    "Give me a recipe for soup.", "What is the price of gold?", "Where is {city}?", "Who wrote this book?",
]
DONT_KNOW = "I don't know that. I am a tiny demo model and know only a few office tasks."
SYSTEM_PROMPTS = ["You are a helpful assistant.", "You are a helpful office assistant.", "Be brief.", "Answer politely.",
                  "Answer in English.", "You are a concise assistant.", "Keep the answers short and clear."]
LEAD = ["", "", "", "Please: ", "Question: ", "Hi, ", "Hello. ", "Dear assistant, "]
# Pseudonym tokens have small letters without l and o; some have capitals, so that copying does not hang on one alphabet.
CODE_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
CAPITAL_ALPHABET = string.ascii_uppercase + "234567"
# A stand-in for texts without random codes: the vocabulary is learnt from words, not from noise.
QUIET = {"email": "anna.keller@example.com", "card": "4111 1111 1111 1111"}


class Values:
    """Random fillers. `quiet` replaces random codes by fixed ones."""

    def __init__(self, rng, quiet=False):
        self.rng, self.quiet = rng, quiet

    def pseudonym(self, kind):
        alphabet = CODE_ALPHABET if self.rng.random() < 0.9 else CAPITAL_ALPHABET
        return "Tgx" + kind + "".join(self.rng.choice(alphabet) for _ in range(20))

    def name(self):
        return self.rng.choice(FIRST) + " " + self.rng.choice(LAST)

    def email(self):
        if self.quiet:
            return QUIET["email"]
        k = self.rng.random()
        if k < 0.75:
            return self.pseudonym("EM")
        if k < 0.83:
            return self.rng.choice(["[EMAIL_ADDRESS]", "<EMAIL_ADDRESS>"])
        user = self.rng.choice(FIRST).lower() + self.rng.choice([".", "_", ""]) + self.rng.choice(LAST).lower()
        return user + "@" + self.rng.choice(["example.com", "example.org", "mail.test", "acme.example"])

    def card(self):
        if self.quiet:
            return QUIET["card"]
        k = self.rng.random()
        if k < 0.75:
            return self.pseudonym("CC")
        if k < 0.83:
            return self.rng.choice(["[CREDIT_CARD]", "<CREDIT_CARD>"])
        return self.rng.choice([" ", "-"]).join(f"{self.rng.randrange(10000):04}" for _ in range(4))

    def account(self):
        return "DE00 1234" if self.quiet else self.pseudonym("IB")

    def phone(self):
        if self.quiet:
            return "+49 30 1234"
        return self.pseudonym("PH") if self.rng.random() < 0.8 else f"+49 {self.rng.randint(100, 999)} {self.number()}"

    def number(self):
        return str(self.rng.randint(100, 99999 if self.rng.random() < 0.3 else 9999))

    def fill(self, template):
        choose = dict(system=SYSTEMS, problem=PROBLEMS, day=DAYS, item=ITEMS, company=COMPANIES, city=CITIES)

        def value(m):
            key = m[1]
            if key in choose:
                return self.rng.choice(choose[key])
            return str(self.rng.randint(2, 40)) if key == "count" else getattr(self, key)()
        return re.sub(r"{(\w+)}", value, template)


def with_typo(rng, text):
    """One slip of the finger in the words of an instruction, never inside a {placeholder}."""
    parts = re.split(r"({\w*})", text)
    k = rng.randrange(0, len(parts), 2)
    part = parts[k]
    i = rng.randrange(1, max(2, len(part) - 1))
    if part[i - 1:i + 1].isalpha():
        parts[k] = rng.choice([part[:i] + part[i + 1:], part[:i - 1] + part[i:i + 1] + part[i - 1] + part[i + 1:],
                               part[:i] + part[i:i + 1] + part[i:]])
    return "".join(parts)


def say(rng, choices):
    text = rng.choice(choices)
    if rng.random() < 0.08:
        text = with_typo(rng, text)
    return text.lower() if rng.random() < 0.06 else text


def route(rng, v):
    department = rng.choice(list(TICKETS))
    ask = say(rng, ["Classify: ", "Which department? ", "Route this ticket: ", "Route: ", "Who should handle this? ",
                    "Classify this ticket: "])
    return ask + v.fill(rng.choice(TICKETS[department])), department


def extract(rng, v):
    number, name, item, count = v.number(), v.name(), rng.choice(ITEMS), rng.randint(2, 40)
    text = rng.choice(["Order {n} from {a}: {q} {i}s.", "{a} wants {q} {i}s, order {n}.",
                       "Order {n}, {q} {i}s, customer {a}.", "{a} ordered {q} {i}s, the number is {n}."])
    fields = {"order": int(number), "name": name, "item": item, "quantity": count}
    text = text.format(n=number, a=name, q=count, i=item)
    if rng.random() < 0.3:
        fields["email"] = v.email()
        text += rng.choice([" Contact: ", " E-mail: ", " Mail "]) + fields["email"] + "."
    return say(rng, ["Extract JSON: ", "Extract the order as JSON: ", "As JSON: "]) + text, json.dumps(fields)


def polite(rng, v):
    text = (rng.choice(VERBS) + " " + rng.choice(WHEN)).strip()
    if rng.random() < 0.25:
        text = rng.choice(["write to ", "call ", "answer "]) + rng.choice([v.email, v.name])()
    ask = say(rng, ["Make polite: ", "Rewrite politely: ", "Make this polite: ", "Say it politely: "])
    return ask + text[0].upper() + text[1:] + ".", "Could you please " + text + "?"


def summarise(rng, v):
    system, problem, day, who = rng.choice(SYSTEMS), rng.choice(PROBLEMS), rng.choice(DAYS), rng.choice([v.name, v.email])()
    text = rng.choice(["{a} reports that the {s} {p} since {h}. The team restarted it twice. The problem remains.",
                       "Since {h} the {s} {p}. {a} opened a ticket. Nobody has answered yet.",
                       "On {h} {a} wrote that the {s} {p}. Users are waiting. There is no workaround."])
    ask = say(rng, ["Summarise: ", "Summarize: ", "Sum up: ", "Summarise this: ", "TL;DR: "])
    return ask + text.format(a=who, s=system, p=problem, h=day), f"The {system} {problem} since {day}, reported by {who}."


def payment(rng, v):
    who, number, card = rng.choice([v.email, v.email, v.name])(), v.number(), v.card()
    text = rng.choice(["Customer {w} paid order {n} with card {c}.", "Order {n} was paid by {w} with card {c}.",
                       "{w} used card {c} for order {n}.", "customer {w} paid with card {c}, order {n}."])
    ask = say(rng, ["Summarise: ", "Summarize: ", "Sum up the payment: ", "Summarise the payment: "])
    return ask + text.format(w=who, n=number, c=card), f"Customer {who} paid order {number} with card {card}."


def note(rng, v):
    who, number, card = v.email(), v.number(), v.card()
    paid = rng.random() < 0.5
    ask = say(rng, ["Write a short note to {w} about order {n}", "Write a note to {w} about order {n}",
                    "Write an e-mail to {w} about order {n}", "Write to {w} about order {n}",
                    "Write a short message to {w} about order {n}", "Please write a short note to {w} about order {n}"])
    if paid:
        ask += rng.choice([", paid with card {c}", " paid with card {c}", ", card {c}", " (card {c})"])
    text = f"Dear customer, thank you for order {number}. "
    if paid:
        text += f"It was paid with card {card}. "
    text += f"We will write to {who} as soon as it is on its way. Kind regards, your service team"
    return ask.format(w=who, n=number, c=card) + ".", text


FACTS = {"email": (["My e-mail is {}.", "My email address is {}.", "You can reach me at {}.", "I am {}."],
                   ["What is my e-mail?", "What is my email address?", "How can you reach me?", "Where can you write to me?"],
                   "Your e-mail address is {}."),
         "card": (["My card is {}.", "My card number is {}.", "I paid with card {}.", "I pay with {}."],
                  ["What is my card number?", "Which card did I use?", "What is my card?"], "Your card number is {}."),
         "phone": (["My phone number is {}.", "Call me at {}."], ["What is my phone number?", "How can you call me?"],
                   "Your phone number is {}."),
         "account": (["My account is {}.", "My IBAN is {}."], ["What is my IBAN?", "Which account is mine?"],
                     "Your account is {}."),
         "name": (["My name is {}.", "I am called {}."], ["What is my name?", "Who am I?"], "Your name is {}."),
         "number": (["My order is {}.", "My order number is {}."], ["What is my order number?", "Which order is mine?"],
                    "Your order number is {}.")}


def recall(rng, v):
    """Facts first, then questions about them: in one message, or over several turns."""
    keys = rng.sample(list(FACTS), rng.randint(1, 3))
    known = {k: getattr(v, k)() for k in keys}
    told = " ".join(say(rng, FACTS[k][0]).format(known[k]) for k in keys)

    def question(k):
        return say(rng, FACTS[k][1]), FACTS[k][2].format(known[k])
    if rng.random() < 0.5:
        q, a = question(rng.choice(keys))
        return told + " " + q, a
    turns = [("user", told), ("assistant", "Thank you, I will remember that.")]
    for k in rng.sample(keys, rng.randint(1, len(keys))):
        q, a = question(k)
        turns += [("user", q), ("assistant", a)]
    return turns


def confirm(rng, v):
    """The prompt of ./run --check and its relatives: say back what was given."""
    who, card = v.email(), v.card()
    told = rng.choice(["My e-mail is {w} and my card is {c}.", "My email is {w} and my card number is {c}.",
                       "My email address is {w}, my card number is {c}.", "I am {w} and I paid with card {c}.",
                       "My card is {c} and my e-mail is {w}."]).format(w=who, c=card)
    ask = say(rng, ["Please confirm.", "Please confirm both.", "Repeat both.", "Please repeat them.", "Confirm my data.",
                    "Please repeat my e-mail and my card."])
    return told + " " + ask, f"Your e-mail address is {who} and your card number is {card}."


def repeat(rng, v):
    makers = [v.name, v.email, v.card, v.phone, v.number, lambda: v.pseudonym(rng.choice(["IP", "AK", "SS", "IB"])),
              lambda: rng.choice(ITEMS), lambda: rng.choice(DAYS), lambda: v.fill("the {system} {problem}")]
    if v.quiet:
        makers = [v.name, v.number, lambda: rng.choice(ITEMS)]
    text = rng.choice([" ", ", "]).join(rng.choice(makers)() for _ in range(rng.randint(1, 4)))
    return say(rng, ["Repeat: ", "Say: ", "Repeat after me: ", "Echo: "]) + text, text


def listing(rng, v):
    things = [rng.choice([v.name, v.email, lambda: rng.choice(ITEMS), v.number])() for _ in range(rng.randint(2, 5))]
    ask = say(rng, ["Make a list: ", "List: ", "As a list: ", "Make a bullet list: "])
    return ask + ", ".join(things), "\n".join("- " + t for t in things)


def faq(rng, v):
    questions, answer = rng.choice(FAQ)
    return rng.choice(LEAD) + say(rng, questions), answer


def off_topic(rng, v):
    return rng.choice(LEAD) + v.fill(say(rng, OFF_TOPIC)), DONT_KNOW


def employer(rng, v):
    company = rng.choice(COMPANIES)
    ask = say(rng, ["Who do you work for?", "Which company is this?", "Whose assistant are you?"])
    return [("system", f"You are the assistant of {company}."), ("user", ask),
            ("assistant", f"I am the assistant of {company}.")]


TASKS = [(route, 8), (extract, 9), (polite, 6), (summarise, 8), (payment, 10), (note, 10), (recall, 11), (confirm, 9),
         (repeat, 12), (listing, 5), (faq, 9), (off_topic, 6), (employer, 2)]


def single(rng, v, task):
    """One task as a list of (role, content)."""
    made = task(rng, v)
    return made if isinstance(made, list) else [("user", made[0]), ("assistant", made[1])]


def conversation(rng, quiet=False, long_share=0.05):
    """A conversation and the task that ends it. Mostly one task, sometimes several in a row; often a system prompt."""
    v = Values(rng, quiet)
    k = rng.random()
    rounds = rng.randint(4, 8) if k < long_share else 2 if k < 0.15 else 1
    turns = []
    for task in rng.choices([t for t, _ in TASKS], [w for _, w in TASKS], k=rounds):
        made = single(rng, v, task)
        has_system = made[0][0] == "system"
        turns += made[1:] if has_system and turns else made
        name = task.__name__ if not (has_system and len(turns) > len(made)) else "multi"
    if turns[0][0] != "system" and rng.random() < 0.3:
        turns.insert(0, ("system", rng.choice(SYSTEM_PROMPTS)))
    return turns, name if rounds == 1 else "multi"


def random_for(seed):
    return random.Random(seed)
