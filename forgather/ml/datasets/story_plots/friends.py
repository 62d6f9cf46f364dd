"""Two of them: sharing, quarrels, games and letters."""

from __future__ import annotations

from forgather.ml.datasets.story_plots.plot import Plot

LOST_TOY = Plot(
    name="lost toy",
    optional=(1,),
    traits=("had a {color} {thing}", "took a {color} {thing} everywhere", "loved {his} {thing}"),
    words={
        "thing": ("ball", "bell", "hat", "scarf", "book", "bucket", "drum", "toy car", "toy boat")
    },
    beats=(
        (
            "{Time}, {he} could not find {his} {color} {thing}.",
            "{Time}, {he} played {inside} and lost {his} {color} {thing}.",
            "{Time}, {his} {color} {thing} was gone.",
        ),
        (
            "{Hero} looked {spot1}, but it was not there.",
            "{He} looked {spot1}. No {thing}! {He} looked {spot2}. No {thing}!",
            "{He} searched all over {place}, and then {he} began to cry.",
        ),
        (
            '"What is wrong?" asked {friend_the}. "I lost my {thing}," said {hero}.',
            '"I will help you look," said {friend_the}.',
            '{Friend_the} came by. "Let us look together," {fhe} said.',
        ),
        (
            "{Friend} looked {spot3}, and there it was!",
            "At last, they saw something {color} {spot3}. It was the {thing}!",
            "They looked and looked. Then {friend} found the {thing} {spot3}.",
        ),
        (
            "{Hero} gave {friend} a big hug, and they played all day.",
            '"Thank you, {friend}!" said {hero}. They took turns with the {thing}.',
            "{Hero} jumped for joy. A good friend is the best thing to find.",
        ),
    ),
)

SHARE_SNACK = Plot(
    name="sharing food",
    optional=(2,),
    traits=("loved to eat {snack}", "liked {snack} more than anything", "was always hungry"),
    words={
        "snack": (
            "apple pie",
            "cake",
            "bread and honey",
            "corn bread",
            "cheese",
            "rice pudding",
            "jam",
        )
    },
    beats=(
        (
            "{Time}, {he} sat down {inside} to eat some {snack}.",
            "{Time}, {elder} gave {him} some {snack} for lunch.",
            "{Time}, {he} took some {snack} to {place}.",
        ),
        (
            "Then {friend_the} came by. {Fhe} looked sad and hungry.",
            "{Friend_the} sat nearby and had nothing to eat.",
        ),
        (
            "{Hero} looked at {his} {snack}. There was not much of it.",
            "At first, {hero} wanted to eat it all alone.",
            '"Are you hungry?" asked {hero}. {Friend} nodded.',
        ),
        (
            '{Hero} had a kind heart. "Here, have half of mine," {he} said.',
            '"Come and eat with me," said {hero}. {Friend} smiled a big smile.',
            '{Hero} made two parts. "One part for you and one for me," {he} said.',
        ),
        (
            "They ate together, and the {snack} tasted better than ever.",
            'The next day, {friend} came back with [two red apples|a basket of nuts|sweet plums]. "Now I will share with you," {fhe} said.',
            "{Hero} learned that food tastes best when it is shared.",
        ),
    ),
)

NEW_NEIGHBOR = Plot(
    name="new neighbor",
    optional=(1,),
    traits=("had no one to play with", "wished for a friend", "felt a little lonely"),
    beats=(
        (
            "{Time}, {he} saw someone new {inside}. It was {friend_new}.",
            "{Time}, {friend_new} moved in next door.",
        ),
        (
            "{Friend} stood {spot1} and did not say a word.",
            "{Hero} wanted to say hello, but {he} was shy.",
            "{Friend} was shy and hid {spot1}.",
        ),
        (
            '{Hero} rolled {his} {color} ball to {friend}. "Do you want to play?" {he} asked.',
            '{Hero} took a deep breath. "Hello! I am {hero}," {he} said. "Come and play with me!"',
            '{Hero} picked a flower and held it out. "This is for you," {he} said.',
        ),
        (
            '{Friend} looked up and smiled. "That is very nice," {fhe} said in a small voice.',
            "{Friend} began to smile, and soon they both laughed.",
        ),
        (
            "They played until [the sun went down|it was time for dinner]. Now {hero} had a friend.",
            "After that, they played together every day.",
            "From that day on, {hero} and {friend} were best friends.",
        ),
    ),
)

QUARREL = Plot(
    name="quarrel",
    optional=(3,),
    traits=("had a {color} {toy}", "liked to play with {friend}", "did not like to share"),
    words={"toy": ("ball", "drum", "hat", "bucket", "kite", "top")},
    beats=(
        (
            "{Time}, {he} and {friend_the} both wanted the {color} {toy}.",
            "{Time}, {friend_the} came to play and wanted the {color} {toy}.",
        ),
        (
            '"It is mine!" said {hero}. "No, it is my turn!" said {friend}.',
            '"Give it to me!" {hero} shouted. {Friend} shouted, too.',
        ),
        (
            "{Friend} was hurt and sat down far away. Now {hero} had the {toy}, but {he} was all alone.",
            "They pulled and pulled until they both fell down. {Friend} began to cry.",
        ),
        (
            "{Hero} felt bad. It was no fun without a friend.",
            "{Hero} looked at {friend} and felt sorry.",
            "{Hero} thought for a long time.",
        ),
        (
            '"I am sorry," said {hero}. "You can go first."',
            '"I am sorry, {friend}," {hero} said. "Let us take turns."',
        ),
        (
            "{Friend} smiled, and they played together all day.",
            "They took turns, and it was much more fun that way.",
            '"I am sorry, too," said {friend}. Then they played and laughed again.',
        ),
    ),
)

HIDE_AND_SEEK = Plot(
    name="hide and seek",
    optional=(2, 5),
    traits=("loved to play hide and seek", "was good at hiding", "liked games"),
    beats=(
        (
            "{Time}, {he} played hide and seek {inside} with {friend_the}.",
            '"Let us play hide and seek!" {he} said to {friend_the} {time}.',
        ),
        (
            "{Friend} closed {fhis} eyes and counted to ten. {Hero} hid {spot1}.",
            "{Hero} hid {spot1} and kept very still.",
        ),
        (
            "{Friend} looked {spot2}. {Fhe} looked {spot3}. No {hero}!",
            '"Where are you?" called {friend}. {Fhe} looked {spot2}, but no one was there.',
        ),
        (
            "Then a [bee|leaf|feather] touched {hero_s} nose. Achoo!",
            "{Hero} thought it was so funny that {he} began to giggle.",
            "But {his} foot stuck out, and {friend} saw it.",
        ),
        (
            '"I found you!" {friend} shouted, and they both fell down laughing.',
            '"There you are!" said {friend}. They laughed and laughed.',
        ),
        (
            '"Now it is your turn to hide," said {hero}.',
            "They played until {elder} called them in for dinner.",
            "It was the best game of all.",
        ),
    ),
)

FINDER = Plot(
    name="found and returned",
    optional=(1, 3),
    traits=("always looked at the ground", "wished for something nice", "was honest"),
    words={
        "thing": ("ring", "coin", "watch", "key", "whistle", "bell"),
        "shiny": ("shiny", "little", "pretty"),
    },
    beats=(
        (
            "{Time}, {he} found a {shiny} {thing} {spot1}.",
            "{Time}, something lay {spot1}. It was a {shiny} {thing}!",
        ),
        (
            '"How pretty!" said {hero}. {He} wanted to keep it.',
            "{Hero} put it in {his} pocket. {He} felt very lucky.",
        ),
        (
            "Then {he} saw {friend_the}. {Fhe} was looking for something and crying.",
            'But then {he} heard {friend_the} cry. "I lost my {thing}!" {fhe} said.',
        ),
        (
            "{Hero} looked at the {thing}. It was hard to give it away.",
            "{Hero} thought about it. It was not {his} {thing}.",
        ),
        (
            '"Is this yours?" asked {hero}. {Friend} stopped crying at once.',
            '"I found it {spot1}," said {hero}, and {he} gave it back.',
        ),
        (
            '"You are so kind!" said {friend}. Now {hero} had a friend, and that was better.',
            "{Friend} hugged {him}, and {hero} felt warm inside.",
            "{Hero} did not have the {thing}, but {he} had a happy heart.",
        ),
    ),
)

LETTER = Plot(
    name="letter",
    optional=(1, 3),
    traits=("missed {friend}", "liked to write", "had a friend far away"),
    words={"gift": ("a {color} leaf", "a {color} feather", "a drawing", "a pressed flower")},
    beats=(
        (
            "{Time}, {he} wrote a letter to {friend}, who lived far away.",
            "{Time}, {he} missed {friend} very much. So {he} wrote a letter.",
        ),
        ("{He} put in {gift}.", "With the letter, {he} sent {gift}."),
        (
            "Every day, {he} waited for an answer. None came.",
            "Days went by, and there was no answer.",
        ),
        (
            '"Did {friend} forget me?" asked {hero}. "Wait and see," said {elder}.',
            '{Elder} saw that {hero} was sad. "Good things take time," {ehe} said.',
        ),
        (
            "Then there was a knock at the door. It was not a letter. It was {friend}!",
            "The next morning, someone knocked. There stood {friend} with the letter in {fhis} {hand}!",
        ),
        (
            '"I wanted to bring you my answer," said {friend}, and they hugged for a long time.',
            "They talked and laughed until the moon came up.",
        ),
    ),
)

RACE = Plot(
    name="race",
    optional=(3,),
    traits=("loved to run", "was very fast", "wanted to win a race"),
    beats=(
        (
            "{Time}, there was a big race {inside}. {Hero} wanted to win.",
            "{Time}, {he} ran a race with all {his} friends. {He} was in front.",
        ),
        (
            "{He} ran as fast as {he} could. Then {he} heard a cry. {Friend_the} had fallen down.",
            "Then {friend_the} fell and hurt {fhis} leg.",
        ),
        (
            "{Hero} could see the end of the race. But {he} stopped and turned back.",
            '{Hero} stopped. "Are you all right?" {he} asked.',
        ),
        (
            '"Take my arm," said {hero}. Step by step, they walked on together.',
            "{Hero} helped {friend} to get up, and they went on side by side.",
        ),
        (
            "They came last, but everyone clapped for them.",
            "They did not win, but all their friends cheered.",
        ),
        (
            '"You are a true friend," said {friend}.',
            "{Hero} did not get the prize. {He} got something better.",
            "{Elder} gave {hero} a hug. It was better than any prize.",
        ),
    ),
)

ROCK = Plot(
    name="working together",
    optional=(1, 5),
    traits=("was strong", "liked to do things alone", "walked the same path every day"),
    words={"block": ("rock", "log", "tree", "stone")},
    beats=(
        (
            "{Time}, a big {block} lay on the path, and no one could get by.",
            "{Time}, {he} wanted to go home, but a huge {block} lay on the path.",
        ),
        (
            "{Hero} pushed as hard as {he} could. The {block} did not move.",
            '"I can do it alone," {he} said. {He} pushed and pulled, but it did not move.',
        ),
        (
            '{Friend_the} came along. "May I help?" {fhe} asked.',
            '"You need a friend," said {friend_the}.',
        ),
        (
            "They pushed together, and it moved a tiny bit. Then {elder} came and pushed, too.",
            '"One, two, three!" they called, and they all pushed at the same time.',
        ),
        (
            "Slowly, the {block} rolled away, and the path was free.",
            "Bump! The {block} rolled off the path.",
        ),
        (
            '"Together we are strong," said {hero}.',
            "{Hero} learned that many small {hands} can do big work.",
            'They all cheered. "I could not do it alone," said {hero}.',
        ),
    ),
)

LOST_BABY = Plot(
    name="lost baby animal",
    optional=(1,),
    traits=("was kind to everyone", "liked to walk {inside}", "loved all small things"),
    words={
        "baby": (
            {"baby": "duckling", "call": "Peep, peep", "mother": "duck", "home": "the pond"},
            {"baby": "chick", "call": "Cheep, cheep", "mother": "hen", "home": "the hen house"},
            {"baby": "lamb", "call": "Baa, baa", "mother": "sheep", "home": "the green hill"},
            {"baby": "piglet", "call": "Oink, oink", "mother": "pig", "home": "the red barn"},
        )
    },
    beats=(
        (
            '{Time}, {he} heard a tiny sound. "{call}!" A {baby} sat {spot1} all alone.',
            "{Time}, {he} found a little {baby} {spot1}. It was all alone.",
        ),
        (
            '"Are you lost?" asked {hero}. The {baby} looked at {him} and shook.',
            'The {baby} was cold and scared. "I will take you home," said {hero}.',
            '"Where is your mother?" asked {hero}. "{call}," said the {baby}.',
        ),
        (
            "{He} [held it gently|sang to it softly], and they went to look for its mother.",
            "First they looked {spot2}. Then they looked {spot3}. No mother was there.",
        ),
        (
            "At {home}, a big {mother} came running. It was the mother!",
            "Then they came to {home}, and the mother {mother} ran to meet them.",
        ),
        (
            "The {baby} was home at last. {Hero} waved and walked away with a warm heart.",
            '"{call}!" said the happy {baby}. {Hero} knew that it meant thank you.',
            "The mother and the {baby} sat close together, and {hero} smiled all the way home.",
        ),
    ),
)

PLOTS = (
    LOST_TOY,
    SHARE_SNACK,
    NEW_NEIGHBOR,
    QUARREL,
    HIDE_AND_SEEK,
    FINDER,
    LETTER,
    RACE,
    LOST_BABY,
    ROCK,
)
