"""Under the open sky: wind, water, snow and growing things."""

from __future__ import annotations

from forgather.ml.datasets.story_plots.plot import COLD, WINDY, Plot

KITE = Plot(
    name="kite",
    optional=(2,),
    traits=("loved windy days", "liked to fly a kite", "had a {color} kite"),
    times=WINDY,
    words={"bird": ("owl", "crow", "robin", "bluebird")},
    beats=(
        (
            "{Time}, {he} took {his} {color} kite [up the hill|to the meadow|out to play].",
            "{Time}, {he} went out to fly {his} {color} kite.",
        ),
        (
            "A strong wind blew the kite into a tall tree.",
            "But the string broke, and the kite got stuck in a tall tree.",
            "Oh no! The kite flew into a tree and would not come down.",
        ),
        (
            "{Hero} jumped and jumped, but {he} could not reach it.",
            "{Hero} [pulled the string|shook the tree], but the kite did not move.",
            '"My kite!" {hero} cried. It was much too high.',
        ),
        (
            'A [kind|old|friendly] {bird} saw it. "I can help you," said the {bird}.',
            '"Please help me!" {hero} called to a {bird}. "I will," said the {bird}.',
        ),
        (
            "The {bird} flew up and pulled the kite free.",
            "With its beak, the {bird} set the kite free.",
        ),
        (
            '"Thank you!" said {hero}, and the kite danced in the sky again.',
            "{Hero} thanked the {bird} and held the string tight this time.",
            "{Hero} was so happy that {he} shared {his} lunch with the {bird}.",
        ),
    ),
)

SEED = Plot(
    name="seed",
    optional=(2,),
    traits=("wanted to grow something", "did not like to wait", "wanted a garden"),
    words={
        "plant": (
            {"plant": "sunflower", "grown": "a sunflower as tall as {elder}"},
            {"plant": "pumpkin", "grown": "a big, round pumpkin"},
            {"plant": "rose", "grown": "a sweet {color} rose"},
            {"plant": "bean", "grown": "a bean plant that reached the roof"},
            {"plant": "poppy", "grown": "a bright {color} poppy"},
        )
    },
    beats=(
        (
            "{Time}, {elder} gave {him} a {plant} seed.",
            "{Time}, {he} put a {plant} seed into the ground.",
        ),
        (
            "{Hero} gave it water every day, but nothing came up.",
            "{He} looked at the ground all day. Nothing happened.",
            '"Grow, little seed!" said {hero}. But the seed did not grow.',
        ),
        (
            '"My seed is broken," {he} said. {Elder} smiled and told {him} to wait.',
            '"You must wait," said {elder}. "Good things take time."',
            "{He} wanted to dig it up, but {elder} said no.",
        ),
        (
            "So {hero} waited. The rain came, and the sun came.",
            "Many days went by. Then a tiny green leaf came up!",
            "{Hero} waited and waited, and at last {he} saw a bit of green.",
        ),
        (
            "By summer, there was {grown}. {Hero} danced around it.",
            "It grew and grew, and one day there was {grown}. {Hero} was so happy!",
            "In the end, it was {grown}, and everyone came to see it.",
        ),
    ),
)

THIRSTY_FLOWER = Plot(
    name="thirsty flower",
    optional=(1, 5),
    traits=("loved flowers", "walked {inside} every day", "liked to take care of things"),
    times=("one hot day", "one hot summer day", "one dry, hot morning"),
    words={"flower": ("rose", "daisy", "tulip", "poppy", "sunflower")},
    beats=(
        (
            "{Time}, {he} saw a small {flower} {inside}. Its head hung down.",
            '{Time}, {he} heard a tiny voice. "Water, please," said a {flower}.',
        ),
        (
            '"Poor flower," said {hero}. "You are so thirsty."',
            "It had not rained for many days.",
        ),
        (
            "{He} ran to the well, but the bucket was too heavy.",
            "{He} filled a cup, but on the way most of the water spilled.",
        ),
        (
            'Then {friend_the} came. "We can carry it together," {fhe} said.',
            '"Let me help," said {friend_the}, and they carried the water side by side.',
        ),
        (
            "They gave the {flower} a long drink. Slowly, it lifted its head.",
            "Drop by drop, the {flower} drank, and it stood up tall.",
        ),
        (
            "The next day, the {flower} was bright and {color}.",
            '"Thank you," said the {flower}, and the whole place smelled sweet.',
            "{Hero} and {friend} came back every day, and soon there were many flowers.",
        ),
    ),
)

SANDCASTLE = Plot(
    name="castle of sand",
    optional=(2, 5),
    traits=("loved the beach", "liked to build things", "loved sand and water"),
    words={"top": ("shell", "feather", "flag", "flower", "stone")},
    beats=(
        (
            "{Time}, {he} went to the beach and built a big sandcastle.",
            "{Time}, {he} built a castle of sand with a {color} {top} on top.",
        ),
        (
            "But a wave came, and the castle was gone.",
            "Then a big wave came in. Splash! The castle fell down.",
        ),
        (
            '"My castle!" cried {hero}. {He} kicked the wet sand.',
            "{Hero} was sad and wanted to go home.",
            "{Hero} looked at the flat sand, and {his} eyes filled with tears.",
        ),
        (
            '"Let us build a new one, far from the water," said {friend_the}.',
            'Then {friend_the} came with a {color} bucket. "We can build it again," {fhe} said.',
        ),
        (
            "They dug and patted, and the new castle was even bigger.",
            "They built a wall of stones, and the next wave could not get in.",
        ),
        (
            "{Hero} put a {color} {top} on top. It was the best castle on the beach.",
            '"This one is better, because we made it together," said {hero}.',
            "They sat beside it and watched the sun go down.",
        ),
    ),
)

BOAT = Plot(
    name="little boat",
    optional=(2,),
    traits=("loved boats", "liked to make things", "dreamed of the sea"),
    words={
        "boat": (
            {"boat": "boat of paper", "stuff": "wood"},
            {"boat": "boat of leaves", "stuff": "bark"},
            {"boat": "boat of paper", "stuff": "a nut shell"},
        ),
        "water": ("pond", "stream", "brook", "lake"),
    },
    beats=(
        (
            "{Time}, {he} made a little {boat} and put it on the {water}.",
            "{Time}, {he} took a little {boat} down to the {water}.",
        ),
        (
            "It sailed for a bit. Then it got wet and sank.",
            "But the boat filled with water and went down.",
        ),
        (
            '"Oh, my boat!" said {hero}.',
            "{Hero} made one more, but that one sank, too.",
            "{Hero} sat by the {water} and did not know what to do.",
        ),
        (
            '"Try {stuff}," said {friend_the}. "It will float."',
            '{Friend_the} looked at it. "You need {stuff}," {fhe} said.',
        ),
        (
            "So they made a new boat with a {color} sail.",
            "They worked all day, and they made a fine boat with a {color} sail.",
        ),
        (
            "It sailed right across the {water}, and a [duck|frog|bug] sat on it like a captain.",
            "They put it on the water, and it did not sink. Hooray!",
            '"It floats!" they cried, and they ran along beside it.',
        ),
    ),
)

SNOWMAN = Plot(
    name="snowman",
    optional=(2, 5),
    cast="child",
    traits=("loved the snow", "waited for the first snow", "liked winter best"),
    times=COLD,
    words={
        "gone": (
            {"gone": "the carrot nose", "thief": "rabbit", "give": "a whole bag of carrots"},
            {"gone": "the {color} hat", "thief": "mouse", "give": "a warm box with hay"},
            {"gone": "the {color} scarf", "thief": "bird", "give": "a soft nest of wool"},
        )
    },
    beats=(
        (
            "{Time}, {he} and {friend_the} built a big snowman.",
            "{Time}, {he} built a snowman with {friend_the}. It had a {color} hat and a {color} scarf.",
        ),
        (
            "But the next day, {gone} was gone!",
            "In the morning, the snowman stood there, but {gone} was gone.",
        ),
        (
            '"Who took it?" asked {hero}. They saw tiny tracks in the snow.',
            "They found small tracks in the snow and followed them.",
        ),
        (
            "Behind a tree sat a little {thief}. It was hungry and cold.",
            'Near the fence sat a small {thief}. "I am sorry," it said. "I was so cold."',
        ),
        (
            '"Do not cry," said {hero}. They brought it {give}.',
            "{Hero} was not angry. {He} ran home and came back with {give}.",
        ),
        (
            "Now the {thief} comes to see the snowman every day.",
            "The {thief} was happy, and the snowman seemed to smile.",
        ),
    ),
)

SCARF = Plot(
    name="warm scarf",
    optional=(2, 4),
    traits=("loved the snow", "had a warm {color} scarf", "liked winter best"),
    times=COLD,
    beats=(
        (
            "{Time}, {elder} gave {him} a long {color} scarf. It was soft and warm.",
            "{Time}, {he} went out in {his} new {color} scarf.",
        ),
        (
            "On the way, {he} met {friend_the}. {Fhe} was so cold that {fhis} nose was red.",
            "{Friend_the} stood in the snow and shook. {Fhe} had no scarf.",
        ),
        (
            '"You look cold," said {hero}. "Yes," said {friend}, "I am very cold."',
            "{Hero} touched {his} scarf. It was so nice and warm.",
        ),
        (
            "Then {hero} had an idea. The scarf was long, so {he} put one end around {friend}.",
            '"My scarf is long," said {hero}. "It is big enough for two!"',
        ),
        (
            "They walked home close together, and both of them were warm.",
            "They laughed and walked through the snow like one big snowman.",
        ),
        (
            'At home, {elder} made hot milk. "Now {friend} needs a scarf, too," {ehe} said, and made one.',
            "From that day on, {hero} and {friend} were never cold.",
        ),
    ),
)

MOON = Plot(
    name="moon",
    optional=(2, 5),
    traits=("loved the moon", "wanted to touch the moon", "liked to look at the sky"),
    times=("one night", "one clear night", "one summer night"),
    words={
        "try": (
            "{He} climbed a hill and stretched out {his} arms",
            "{He} stood on a chair and reached up high",
            "{He} jumped as high as {he} could",
            "{He} climbed to the top of a tree",
        )
    },
    beats=(
        (
            "{Time}, the moon was big and round. {Hero} wanted to hold it.",
            '{Time}, {he} said, "I want to catch the moon!"',
        ),
        ("{try}, but the moon was too far away.", "{try}. The moon did not come down."),
        (
            "{Hero} sat down by the pond and was sad.",
            '"The moon does not like me," said {hero}.',
        ),
        (
            'Then {elder} came with a bowl of water. "Look inside," {ehe} said.',
            "{Elder} took a bowl, filled it with water, and put it on the grass.",
        ),
        (
            "There was the moon, round and bright, in the bowl!",
            "{Hero} looked into the water, and the moon looked back at {him}.",
        ),
        (
            '"Good night, little moon," {hero} said, and {he} went to bed happy.',
            "{Hero} put one finger in, and the moon danced. {He} laughed and laughed.",
            "So {hero} had the moon for one night, and {he} slept very well.",
        ),
    ),
)

NEST = Plot(
    name="fallen nest",
    optional=(4, 5),
    traits=("loved birds", "liked to listen to the birds", "got up early"),
    times=("after a big storm", "one morning after a storm", "one spring morning"),
    words={"eggs": ("two blue eggs", "three white eggs", "three tiny birds", "two baby birds")},
    beats=(
        (
            "{Time}, {he} found a nest {spot1}. In it were {eggs}.",
            "{Time}, a nest fell from a tree. In it were {eggs}, and they were safe.",
        ),
        (
            "The mother bird flew around and cried.",
            '"We must put it back," said {hero}. But the branch was too high.',
        ),
        (
            "{Hero} ran to {friend_the} and told {fhim} about the nest.",
            '{Hero} called {friend_the}. "Come quickly! I need your help," {he} said.',
        ),
        (
            "{Friend} held the ladder, and {hero} climbed up with the nest.",
            "{Hero} stood on a chair and set the nest on the branch.",
        ),
        (
            "The mother bird came back at once and sat down in the nest.",
            "They hid and watched. Soon the mother bird came home.",
        ),
        (
            "Every morning after that, the bird sang a song for {hero}.",
            "In the summer, young birds sang for {hero} and {friend}.",
        ),
    ),
)

PLOTS = (KITE, SEED, THIRSTY_FLOWER, SANDCASTLE, BOAT, SNOWMAN, SCARF, MOON, NEST)
