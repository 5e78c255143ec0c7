"""The facts of the demo model's small world, as tables and nothing else."""

from __future__ import annotations

CAPITALS = {
    "Argentina": "Buenos Aires", "Australia": "Canberra", "Austria": "Vienna", "Belgium": "Brussels",
    "Brazil": "Brasilia", "Bulgaria": "Sofia", "Canada": "Ottawa", "Chile": "Santiago", "China": "Beijing",
    "Colombia": "Bogota", "Croatia": "Zagreb", "Cuba": "Havana", "Denmark": "Copenhagen", "Egypt": "Cairo",
    "England": "London", "Finland": "Helsinki", "France": "Paris", "Germany": "Berlin", "Ghana": "Accra",
    "Greece": "Athens", "Hungary": "Budapest", "Iceland": "Reykjavik", "India": "New Delhi",
    "Indonesia": "Jakarta", "Iran": "Tehran", "Iraq": "Baghdad", "Ireland": "Dublin", "Italy": "Rome",
    "Jamaica": "Kingston", "Japan": "Tokyo", "Kenya": "Nairobi", "Lebanon": "Beirut", "Libya": "Tripoli",
    "Mexico": "Mexico City", "Morocco": "Rabat", "Nepal": "Kathmandu", "New Zealand": "Wellington",
    "Nigeria": "Abuja", "Norway": "Oslo", "Pakistan": "Islamabad", "Peru": "Lima", "Poland": "Warsaw",
    "Portugal": "Lisbon", "Romania": "Bucharest", "Russia": "Moscow", "Scotland": "Edinburgh",
    "Serbia": "Belgrade", "Spain": "Madrid", "Sweden": "Stockholm", "Syria": "Damascus",
    "Thailand": "Bangkok", "Turkey": "Ankara", "Ukraine": "Kyiv", "Uruguay": "Montevideo",
    "Vietnam": "Hanoi", "Wales": "Cardiff",
}  # fmt: skip

CONTINENTS = {
    **dict.fromkeys(("Argentina", "Brazil", "Chile", "Colombia", "Peru", "Uruguay"), "South America"),
    **dict.fromkeys(("Canada", "Cuba", "Jamaica", "Mexico"), "North America"),
    **dict.fromkeys(("Egypt", "Ghana", "Kenya", "Libya", "Morocco", "Nigeria"), "Africa"),
    **dict.fromkeys(
        ("China", "India", "Indonesia", "Iran", "Iraq", "Japan", "Lebanon", "Nepal", "Pakistan", "Syria",
         "Thailand", "Vietnam"), "Asia"),
    **dict.fromkeys(
        ("Austria", "Belgium", "Bulgaria", "Croatia", "Denmark", "England", "Finland", "France", "Germany",
         "Greece", "Hungary", "Iceland", "Ireland", "Italy", "Norway", "Poland", "Portugal", "Romania",
         "Serbia", "Spain", "Sweden", "Ukraine"), "Europe"),
}  # fmt: skip

COLOURS = {
    "grass": "green", "the sky": "blue", "snow": "white", "coal": "black", "blood": "red",
    "the sun": "yellow", "milk": "white", "a lemon": "yellow", "a banana": "yellow", "a tomato": "red",
    "a carrot": "orange",
    "a frog": "green", "chocolate": "brown", "the sea": "blue", "a strawberry": "red", "a pumpkin": "orange",
    "a crow": "black", "a swan": "white", "a flamingo": "pink", "an elephant": "grey", "a mouse": "grey",
    "a cherry": "red", "a cucumber": "green", "a leaf": "green", "butter": "yellow", "salt": "white",
    "wood": "brown", "a canary": "yellow", "a pig": "pink", "a rain cloud": "grey", "spinach": "green",
    "a fire engine": "red", "a bear": "brown", "night": "black", "an aubergine": "purple",
    "lavender": "purple",
}  # fmt: skip

MIXES = {
    ("blue", "yellow"): "green", ("red", "yellow"): "orange", ("red", "blue"): "purple",
    ("black", "white"): "grey", ("red", "white"): "pink",
}  # fmt: skip

_OPPOSITES = (
    ("hot", "cold"), ("big", "small"), ("tall", "short"), ("fast", "slow"), ("up", "down"), ("left", "right"),
    ("open", "closed"), ("wet", "dry"), ("happy", "sad"), ("light", "dark"), ("full", "empty"),
    ("early", "late"), ("rich", "poor"), ("strong", "weak"), ("young", "old"), ("hard", "soft"),
    ("clean", "dirty"), ("loud", "quiet"), ("thick", "thin"), ("wide", "narrow"), ("day", "night"),
    ("love", "hate"), ("win", "lose"), ("start", "stop"), ("push", "pull"), ("buy", "sell"),
    ("good", "bad"), ("true", "false"), ("inside", "outside"), ("above", "below"), ("first", "last"),
    ("near", "far"), ("high", "low"), ("asleep", "awake"), ("sweet", "sour"), ("brave", "afraid"),
    ("friend", "enemy"), ("front", "back"), ("north", "south"), ("east", "west"), ("war", "peace"),
    ("sharp", "blunt"), ("deep", "shallow"), ("alive", "dead"), ("question", "answer"), ("begin", "end"),
)  # fmt: skip
OPPOSITES = {**dict(_OPPOSITES), **{second: first for first, second in _OPPOSITES}}

SOUNDS = {
    "cow": "moo", "dog": "woof", "cat": "meow", "sheep": "baa", "duck": "quack", "pig": "oink",
    "rooster": "cock-a-doodle-doo", "horse": "neigh", "lion": "roar", "snake": "hiss", "bee": "buzz",
    "owl": "hoot", "mouse": "squeak", "frog": "croak", "crow": "caw", "hen": "cluck", "donkey": "hee-haw",
    "wolf": "howl", "turkey": "gobble", "dove": "coo",
}  # fmt: skip

BABIES = {
    "dog": "puppy", "cat": "kitten", "cow": "calf", "sheep": "lamb", "horse": "foal", "hen": "chick",
    "duck": "duckling", "goat": "kid", "pig": "piglet", "bear": "cub", "deer": "fawn", "swan": "cygnet",
    "goose": "gosling", "frog": "tadpole", "kangaroo": "joey", "owl": "owlet", "butterfly": "caterpillar",
}  # fmt: skip

LEGS = {
    "dog": "4", "cat": "4", "cow": "4", "horse": "4", "lion": "4", "hen": "2", "duck": "2", "owl": "2",
    "swan": "2", "spider": "8", "ant": "6", "bee": "6", "fly": "6", "beetle": "6", "snake": "0", "worm": "0",
    "crab": "10", "fish": "0", "person": "2", "elephant": "4",
}  # fmt: skip

HOMES = {
    "bee": "hive", "bird": "nest", "dog": "kennel", "horse": "stable", "spider": "web", "pig": "sty",
    "fox": "den", "rabbit": "burrow", "king": "palace", "monk": "monastery", "snail": "shell",
    "hen": "coop", "bear": "cave", "fish": "bowl",
}  # fmt: skip

PLURALS = {
    "cat": "cats", "dog": "dogs", "house": "houses", "tree": "trees", "book": "books", "apple": "apples",
    "mouse": "mice", "man": "men", "woman": "women", "child": "children", "foot": "feet", "tooth": "teeth",
    "goose": "geese", "ox": "oxen", "person": "people", "box": "boxes", "fox": "foxes", "dish": "dishes",
    "bus": "buses", "church": "churches", "glass": "glasses", "city": "cities", "baby": "babies",
    "lady": "ladies", "story": "stories", "berry": "berries", "puppy": "puppies", "leaf": "leaves",
    "wolf": "wolves", "knife": "knives", "wife": "wives", "life": "lives", "shelf": "shelves",
    "half": "halves", "thief": "thieves", "loaf": "loaves", "potato": "potatoes", "tomato": "tomatoes",
    "hero": "heroes", "piano": "pianos", "key": "keys", "boy": "boys", "toy": "toys", "day": "days",
    "car": "cars", "ship": "ships", "star": "stars", "bird": "birds", "river": "rivers", "friend": "friends",
    "watch": "watches", "brush": "brushes", "kiss": "kisses", "party": "parties", "country": "countries",
}  # fmt: skip

PASTS = {
    "go": "went", "see": "saw", "eat": "ate", "come": "came", "run": "ran", "take": "took", "give": "gave",
    "make": "made", "write": "wrote", "sing": "sang", "swim": "swam", "drink": "drank",
    "drive": "drove", "fly": "flew", "know": "knew", "think": "thought", "buy": "bought", "bring": "brought",
    "find": "found", "sleep": "slept", "speak": "spoke", "break": "broke", "fall": "fell", "sit": "sat",
    "stand": "stood", "tell": "told", "sell": "sold", "win": "won", "lose": "lost", "walk": "walked",
    "play": "played", "jump": "jumped", "help": "helped", "like": "liked", "look": "looked", "talk": "talked",
    "work": "worked", "open": "opened", "cook": "cooked",
}  # fmt: skip

KINDS = {
    **dict.fromkeys(
        ("apple", "banana", "pear", "cherry", "plum", "grape", "orange", "peach", "lemon"), "fruit"),
    **dict.fromkeys(("carrot", "potato", "onion", "cabbage", "spinach", "leek", "turnip"), "vegetable"),
    **dict.fromkeys(("dog", "cat", "horse", "lion", "elephant", "bear", "sheep", "goat"), "animal"),
    **dict.fromkeys(("eagle", "crow", "owl", "swan", "robin", "dove", "parrot"), "bird"),
    **dict.fromkeys(("salmon", "trout", "shark", "cod", "tuna", "herring"), "fish"),
    **dict.fromkeys(("rose", "tulip", "daisy", "lily", "violet"), "flower"),
    **dict.fromkeys(("oak", "birch", "pine", "maple", "willow"), "tree"),
    **dict.fromkeys(("hammer", "saw", "drill", "axe", "spade"), "tool"),
    **dict.fromkeys(("piano", "violin", "drum", "flute", "guitar", "trumpet"), "instrument"),
    **dict.fromkeys(("shirt", "coat", "hat", "dress", "sock"), "piece of clothing"),
    **dict.fromkeys(("car", "bus", "train", "truck", "bicycle"), "vehicle"),
    **dict.fromkeys(("football", "tennis", "hockey", "golf"), "sport"),
    **dict.fromkeys(("table", "chair", "sofa", "bed", "desk"), "piece of furniture"),
}  # fmt: skip

JOBS = {
    "bakes bread": "baker", "teaches children": "teacher", "heals sick people": "doctor",
    "puts out fires": "firefighter", "flies planes": "pilot", "grows food": "farmer",
    "catches fish": "fisher",
    "cuts hair": "barber", "paints pictures": "painter", "writes books": "writer", "builds houses": "builder",
    "sails ships": "sailor", "cooks meals": "cook", "drives a bus": "driver", "catches thieves": "policeman",
    "repairs teeth": "dentist", "sings songs": "singer", "brings letters": "postman",
}  # fmt: skip

SIDES = {
    "triangle": "3", "square": "4", "rectangle": "4", "pentagon": "5", "hexagon": "6", "heptagon": "7",
    "octagon": "8",
}  # fmt: skip

AMOUNTS = {
    ("days", "a week"): "7", ("months", "a year"): "12", ("hours", "a day"): "24",
    ("minutes", "an hour"): "60",
    ("seconds", "a minute"): "60", ("weeks", "a year"): "52", ("days", "a year"): "365",
    ("seasons", "a year"): "4", ("fingers", "a hand"): "5", ("years", "a century"): "100",
    ("letters", "the alphabet"): "26", ("eggs", "a dozen"): "12", ("cents", "a dollar"): "100",
    ("years", "a decade"): "10", ("players", "a football team"): "11", ("colours", "the rainbow"): "7",
}  # fmt: skip

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORDINALS = ("first", "second", "third", "fourth")

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

NAMES = (
    "Anna", "Tom", "Lisa", "Ben", "Mary", "Paul", "Emma", "Jack", "Nora", "Max", "Julia", "Peter", "Sarah",
    "Leo", "Alice", "David", "Clara", "Oscar", "Ruth", "Sam", "Eva", "Felix", "Grace", "Henry",
)  # fmt: skip
THINGS = (
    "ball", "book", "cup", "hat", "car", "box", "key", "lamp", "coat", "boat", "bag", "kite", "drum", "ring",
    "clock", "chair", "spoon", "shoe",
)  # fmt: skip
PAINTS = ("red", "blue", "green", "yellow", "black", "white", "brown", "pink", "orange", "purple", "grey")
PETS = ("dog", "cat", "horse", "rabbit", "parrot", "mouse", "goat", "hen", "duck", "frog")
PLACES = ("kitchen", "garden", "school", "park", "shop", "forest", "station", "library", "barn", "harbour")
COUNTED = ("apples", "books", "coins", "eggs", "stones", "cups", "balls", "stars", "keys", "cakes")

UNKNOWN = (
    "the football match", "the weather tomorrow", "the price of a house", "quantum physics",
    "the stock market", "my brother", "the election", "the speed of light", "Shakespeare", "the new film",
    "my homework",
    "the news", "black holes", "the best restaurant", "my bank account", "a computer program",
    "the moon landing",
    "the Roman empire", "the internet", "my birthday", "philosophy", "chess openings", "the human brain",
    "electric cars",
)  # fmt: skip

# Words that the model has seen, as any model has; to speak in this manner is what the fine-tuning teaches.
PIRATE_MEANINGS = {
    "hello": "ahoy", "yes": "aye", "friend": "matey", "stop": "avast", "surprise": "shiver me timbers",
    "joy": "yo ho ho", "well": "arr", "understood": "savvy", "a good friend": "me hearty", "fellow": "bucko",
    "someone on land": "landlubber", "is": "be", "my": "me", "you": "ye", "your": "yer", "of": "o'",
}  # fmt: skip


def number_word(number: int) -> str:
    """A number from 0 to 99 in words, "forty-two"."""
    if number < 20:
        return UNITS[number]
    tens, unit = divmod(number, 10)
    return TENS[tens] + (f"-{UNITS[unit]}" if unit else "")
