"""Inside the house: baking, mending, tidying up and going to bed."""

from __future__ import annotations

from forgather.ml.datasets.story_plots.plot import NIGHT, RAINY, Plot

BROKEN_TOY = Plot(
    name="broken toy",
    optional=(1, 3),
    traits=("had a wooden {toy}", "loved {his} wooden {toy}", "played with a {toy} every day"),
    words={
        "toy": (
            {"toy": "train", "part": "wheel"},
            {"toy": "car", "part": "wheel"},
            {"toy": "cart", "part": "wheel"},
            {"toy": "horse", "part": "leg"},
            {"toy": "robot", "part": "arm"},
            {"toy": "duck", "part": "wheel"},
            {"toy": "boat", "part": "sail"},
        )
    },
    beats=(
        (
            "{Time}, {he} dropped {his} wooden {toy}, and the {part} broke off.",
            "{Time}, {he} played too hard, and the {part} of {his} {toy} came off.",
        ),
        (
            "{Hero} was very sad. {His} {toy} could not move any more.",
            '"Oh no! My poor {toy}!" said {hero}, and tears ran down {his} face.',
            "{He} tried to put it back, but it fell off again.",
        ),
        (
            '{Elder} looked at the {toy}. "We can fix this," {ehe} said.',
            '"Do not cry," said {elder}. "Bring me some glue."',
        ),
        (
            "They worked side by side. {Hero} held the {toy}, and {elder} put the {part} back on.",
            "{Elder} showed {hero} how to glue the {part}, and then they waited.",
        ),
        (
            "Soon the {toy} was as good as new. {Hero} hugged {elder} tight.",
            'The {toy} worked again! "I will be careful now," said {hero}.',
            "{Hero} was proud. Now {he} knew how to fix things, too.",
        ),
    ),
)

RAINY_DAY = Plot(
    name="rainy day",
    optional=(1,),
    traits=("wanted to play outside", "loved to play {inside}", "loved the sun"),
    times=RAINY,
    words={
        "game": (
            {"game": "a ship", "made": "They made it from chairs and a blanket, and sailed away."},
            {"game": "a castle", "made": "They made it from pillows, and nobody could get in."},
            {"game": "a train", "made": "They put the chairs in a row, and off it went."},
            {"game": "a tent", "made": "They hung a blanket over the table and crept inside."},
        )
    },
    beats=(
        (
            "{Time}, {he} and {friend_the} wanted to play {inside}, but it rained and rained.",
            "{Time}, {he} looked out of the window. It rained so hard that {he} had to stay in.",
        ),
        (
            '"This is no fun," said {hero}.',
            "{Hero} sat by the window and felt sad.",
            '"Go away, rain!" said {hero}, but the rain did not listen.',
        ),
        (
            '"I have an idea," said {friend}. "Let us build {game}!"',
            'Then {friend} clapped {fhis} {hands}. "We can make {game}!" {fhe} said.',
        ),
        ("{made}",),
        (
            "They had so much fun that they did not see the sun come out.",
            "When the rain stopped, they did not even want to go outside.",
            '"I love rainy days," said {hero}, and {friend} laughed.',
        ),
    ),
)

BAKING = Plot(
    name="baking",
    optional=(4,),
    traits=("loved to bake", "liked to help in the kitchen", "liked sweet things"),
    words={
        "cake": ("honey cake", "apple pie", "berry pie", "carrot cake", "nut cake"),
        "need": (
            {"need": "eggs", "bring": "three fresh eggs", "were": "were"},
            {"need": "milk", "bring": "a jug of milk", "were": "was"},
            {"need": "flour", "bring": "a bag of flour", "were": "was"},
            {"need": "butter", "bring": "some yellow butter", "were": "was"},
        ),
    },
    beats=(
        (
            "{Time}, {he} wanted to bake a {cake} for {elder}.",
            "{Time}, {he} and {elder} began to make a {cake}.",
        ),
        (
            "But there {were} no {need} left.",
            '"Oh no!" said {hero}. "We have no {need}."',
        ),
        (
            '{Hero} went next door to {friend}. "Can you help me?" {he} asked.',
            "So {hero} ran to {friend_the} and asked for help.",
        ),
        (
            '{Friend} smiled and gave {him} {bring}. "Now go and bake!" {fhe} said.',
            '"Of course," said {friend}, and {fhe} came back with {bring}.',
        ),
        (
            "{Hero} mixed it all in a big bowl, and soon the house smelled sweet.",
            "They stirred and stirred, and then the {cake} went into the oven.",
        ),
        (
            "{Hero} cut the first piece for {friend}. It was the best {cake} of all.",
            "{Elder}, {hero} and {friend} ate it all up, down to the last crumb.",
            "When it was done, {hero} gave a big piece to {friend} and said thank you.",
        ),
    ),
)

TRUTH = Plot(
    name="telling the truth",
    optional=(1, 5),
    traits=("liked to run and jump", "loved to play ball", "was always in a hurry"),
    words={"vase": ("vase", "cup", "plate", "lamp", "bowl", "jar", "teapot")},
    beats=(
        (
            "{Time}, {he} ran through the house and hit the table. {Elder_s} {color} {vase} fell and broke.",
            "{Time}, {he} threw {his} ball indoors. Crash! It hit {elder_s} {color} {vase}.",
        ),
        (
            "{Hero} hid the pieces under the [bed|rug|sofa]. {His} heart beat fast.",
            "{Hero} was scared. What would {elder} say?",
            "{He} wanted to run away and hide.",
        ),
        (
            'Then {elder} came in. "Where is my {vase}?" {ehe} asked.',
            '"What was that noise?" asked {elder}.',
        ),
        (
            '{Hero} looked at the floor. "I broke it," {he} said. "I am very sorry."',
            "{Hero} wanted to tell a lie, but {he} told the truth.",
        ),
        (
            '{Elder} was quiet. Then {ehe} hugged {him}. "Thank you for telling me," {ehe} said.',
            '"A {vase} can break," said {elder}, "but I am glad that you told the truth."',
        ),
        (
            "They cleaned the floor together, and {hero} felt light again.",
            "After that, {hero} played ball outside.",
            "{Hero} felt much better. It is good to tell the truth.",
        ),
    ),
)

TIDY = Plot(
    name="tidy room",
    optional=(1, 3),
    traits=("did not like to clean up", "had toys all over the floor", "had a very messy room"),
    words={"thing": ("whistle", "drum", "teddy bear", "toy car", "ring", "book", "puzzle")},
    beats=(
        (
            '"Please clean your room," said {elder} {time}.',
            "{Time}, {he} could not even see the floor of {his} room.",
        ),
        (
            '"I do not want to," said {hero}. "It is too much work."',
            "{Hero} stepped on a block. Ouch! {He} sat down and cried.",
        ),
        (
            '{Elder} had an idea. "Let us make it a game," {ehe} said. "First, find all the {color} things."',
            'Then {friend_the} came to play. "I will help you," {fhe} said.',
        ),
        (
            "They put the blocks in the box and the books on the shelf.",
            "{Hero} picked up a sock, a ball, and a hat. Slowly, the room got clean.",
        ),
        (
            "Then {hero} saw something under the bed. It was {his} lost {thing}!",
            '"My {thing}!" {hero} cried. It had been under the bed all the time.',
        ),
        (
            "After that, {hero} liked to clean up. Who knows what {he} will find next?",
            "{Hero} was happy, and the room was ready for a new game.",
        ),
    ),
)

SLEEP = Plot(
    name="wide awake",
    optional=(1, 2),
    traits=("was not tired", "never wanted to go to bed", "had too many thoughts at night"),
    times=NIGHT,
    words={"count": ("sheep", "stars", "ducks", "clouds", "apples", "boats")},
    beats=(
        (
            "{Time}, {he} could not fall asleep.",
            "{Time}, {he} lay in bed with open eyes.",
        ),
        (
            "{He} turned left. {He} turned right. Nothing helped.",
            "The bed was too hot, and then it was too cold.",
            "{He} drank some water and lay down again, but sleep did not come.",
        ),
        (
            '"I cannot sleep," {he} told {elder}.',
            '{Elder} came in. "Are you still awake?" {ehe} asked.',
        ),
        (
            '"Close your eyes and count {count}," said {elder}. {Hero} began. "One, two, three."',
            "{Elder} sat down and sang a soft song about {count}.",
            "{Elder} told {him} a slow story about little white {count}.",
        ),
        (
            "Before the end, {hero} was fast asleep.",
            "{Hero} yawned. {His} eyes closed, and {he} dreamed of {count}.",
            '"Good night," {elder} said softly. But {hero} was asleep already.',
        ),
    ),
)

GREEDY = Plot(
    name="too much",
    optional=(4,),
    traits=("loved {food}", "could never get enough {food}", "ate very fast"),
    words={"food": ("berries", "cookies", "plums", "cherries", "nuts", "grapes")},
    beats=(
        (
            "{Time}, {elder} made a big bowl of {food} for everyone.",
            "{Time}, {he} found a whole basket of {food}.",
        ),
        (
            '"Leave some for {friend}," said {elder}. But {hero} did not listen.',
            '"May I have some?" asked {friend_the}. "No, it is all mine," said {hero}.',
        ),
        (
            "{He} ate and ate until nothing was left.",
            "{He} ate more and more, and then {he} ate the rest.",
        ),
        (
            'Soon {his} tummy hurt. "Ow, ow!" said {hero}.',
            "Then {hero} felt sick. {He} lay down and held {his} tummy.",
        ),
        (
            "{Friend} was not angry. {Fhe} brought {him} some warm tea and sat with {him}.",
            '{Elder} gave {him} some tea. "Too much is too much," {ehe} said.',
        ),
        (
            'The next day, {hero} brought {friend} a bowl of {food}. "This is all for you," {he} said.',
            "From that day on, {hero} always shared.",
        ),
    ),
)

BIRTHDAY = Plot(
    name="birthday",
    optional=(1, 4),
    traits=("was very excited", "had waited for this day", "counted the days"),
    times=("on {his} birthday", "on the morning of {his} birthday"),
    beats=(
        (
            "{Time}, {he} woke up early. But no one said a word about it.",
            "{Time}, {he} ran to {friend}. But {friend} only said hello and went away.",
        ),
        (
            '"Did they all forget?" thought {hero}.',
            "{Hero} sat {spot1} and felt very sad.",
            "{Elder} was busy and did not even look up.",
        ),
        (
            "{Hero} walked home slowly. The house was dark and quiet.",
            "In the evening, {hero} opened the door. Everything was dark.",
        ),
        (
            '"Surprise!" All {his} friends jumped out.',
            'Then the lights went on. "Surprise!" called {friend} and {elder}.',
        ),
        (
            "There was a big cake with {color} candles.",
            "{Friend} gave {him} a {color} [ball|hat|kite|drum], and {elder} brought a big cake.",
        ),
        (
            '"We did not forget you," said {friend}. {Hero} laughed with joy.',
            "{Hero} smiled from ear to ear. It was the best birthday ever.",
            '"You are the best friends in the world," said {hero}.',
        ),
    ),
)

PAINT = Plot(
    name="mixing paint",
    optional=(1, 5),
    traits=("loved to paint", "painted every day", "liked bright colors"),
    words={
        "mix": (
            {"mix": "green", "one": "blue", "two": "yellow", "what": "a frog"},
            {"mix": "green", "one": "yellow", "two": "blue", "what": "a tall tree"},
            {"mix": "orange", "one": "red", "two": "yellow", "what": "a pumpkin"},
            {"mix": "orange", "one": "yellow", "two": "red", "what": "the evening sun"},
            {"mix": "purple", "one": "red", "two": "blue", "what": "a big plum"},
            {"mix": "pink", "one": "red", "two": "white", "what": "a pig"},
        )
    },
    beats=(
        (
            "{Time}, {he} wanted to paint {what}, but {he} had no {mix} paint.",
            '{Time}, {he} began to paint {what}. "Where is the {mix} paint?" {he} asked. It was all gone.',
        ),
        (
            '"Now I cannot finish my picture," said {hero}.',
            "{Hero} put down the brush and was sad.",
        ),
        (
            '"What do you have?" asked {friend_the}. "Only {one} and {two}," said {hero}.',
            "{Friend_the} looked at the paint. There was some {one}, and there was some {two}.",
        ),
        (
            "{Friend} put a little {one} and a little {two} on a plate and mixed them.",
            '"Watch this," said {friend}, and {fhe} mixed the {one} with the {two}.',
        ),
        (
            '"It turned {mix}! It is magic!" cried {hero}.',
            "And look! It turned {mix}.",
        ),
        (
            "{Hero} painted {what} and gave the picture to {friend}.",
            "They painted all day, and {elder} put the picture on the wall.",
        ),
    ),
)

PLOTS = (BROKEN_TOY, RAINY_DAY, BAKING, TRUTH, TIDY, SLEEP, GREEDY, BIRTHDAY, PAINT)
