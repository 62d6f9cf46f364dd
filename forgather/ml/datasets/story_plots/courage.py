"""A fear that grows small, or something hard that is learned."""

from __future__ import annotations

from forgather.ml.datasets.story_plots.plot import NIGHT, Plot

DARK = Plot(
    name="afraid of the dark",
    optional=(1,),
    traits=("was afraid of the dark", "did not like the dark"),
    times=NIGHT,
    beats=(
        (
            "{Time}, {he} looked at the black window and could not sleep.",
            "{Time}, {he} lay in bed and pulled the blanket over {his} head.",
            "{Time}, the little lamp went out, and everything was black.",
        ),
        (
            '"I am scared!" {he} called.',
            "{He} saw a big shadow on the wall and began to shake.",
            '"There is a monster in my room!" {he} cried.',
        ),
        (
            "{Elder} came and sat on the bed.",
            "{Elder} came and held {him} close.",
        ),
        (
            '"Look out of the window," said {elder}. "The stars shine because it is dark."',
            '"See? It is only {your_coat} on the chair," said {elder}, and they both laughed.',
            "{Elder} opened the curtain, and the soft moon filled the room with light.",
        ),
        (
            "{Hero} was not afraid any more. Soon {he} was fast asleep.",
            "{Hero} smiled, closed {his} eyes, and dreamed of [stars|the moon|bright lights].",
            "From then on, {hero} said good night to the dark like an old friend.",
        ),
    ),
    words={"your_coat": ("your coat", "your hat", "your scarf", "your bag")},
)

NOISE = Plot(
    name="strange noise",
    optional=(1,),
    traits=("was not very brave", "heard every little sound", "wanted to be brave"),
    times=NIGHT,
    words={
        "noise": (
            {
                "noise": "Tap, tap, tap",
                "what": "only a branch at the window",
                "then": "The wind moved it, and it seemed to wave at {him}.",
            },
            {
                "noise": "Scratch, scratch",
                "what": "a tiny kitten that wanted to come in",
                "then": "It was wet and cold, so {hero} gave it some warm milk.",
            },
            {
                "noise": "Drip, drip, drip",
                "what": "only water in the sink",
                "then": "{Hero} turned it off, and all was quiet.",
            },
            {
                "noise": "Creak, creak",
                "what": "only the old door",
                "then": "{Hero} closed it softly, and the noise stopped.",
            },
            {
                "noise": "Whoo, whoo",
                "what": "a small owl on the roof",
                "then": '"Good night, owl," said {hero}.',
            },
        )
    },
    beats=(
        (
            '{Time}, {he} heard a strange noise. "{noise}!"',
            '"{noise}!" {Time}, a strange noise woke {him} up.',
        ),
        (
            '"Is it a monster?" {he} thought.',
            "{He} pulled the blanket up to {his} nose.",
            "{He} wanted to hide under the bed.",
        ),
        (
            "But {hero} wanted to be brave. {He} took a light and went to look.",
            "Then {he} took a light in one {hand} and went to see.",
        ),
        ("It was {what}! {then}", "And what did {he} find? It was {what}. {then}"),
        (
            '"You are not so scary," {he} said, and went back to bed.',
            "After that, {he} slept like a stone.",
            'In the morning, {elder} said, "How brave you are!"',
        ),
    ),
)

THUNDER = Plot(
    name="thunderstorm",
    optional=(3, 4),
    traits=("did not like loud noises", "was afraid of storms"),
    times=("one stormy night", "one rainy evening", "one dark afternoon"),
    words={
        "story": (
            "the clouds are playing drums",
            "the clouds bump into each other",
            "a giant is rolling barrels",
            "the sky is clapping its hands",
        )
    },
    beats=(
        (
            "{Time}, there was a big storm. Boom! went the thunder.",
            "{Time}, the sky turned black, and the thunder went boom.",
        ),
        (
            "{Hero} hid under the [bed|table|blanket].",
            '"Make it stop!" cried {hero}, and {he} put {his} {hands} over {his} ears.',
        ),
        (
            '{Elder} sat down beside {him}. "Do you know what that is?" {ehe} asked. "I think {story}."',
            '"Come here," said {elder}. "Maybe {story}."',
        ),
        (
            "{Hero} listened. Boom! {He} had to smile a little.",
            "{Hero} laughed. Boom! This time {he} did not jump.",
        ),
        (
            "They counted from the flash to the boom, and the storm went far away.",
            "They ate cookies and listened until the rain was soft.",
        ),
        (
            '"Is it over?" asked {hero}. "I want to hear it again!"',
            "Then the stars came out, and {hero} fell asleep.",
            "Now {hero} waves at the clouds when there is a storm.",
        ),
    ),
)

BRIDGE = Plot(
    name="crossing the stream",
    optional=(2,),
    traits=("was a little afraid of water", "wanted to see the other side", "was careful"),
    words={"bridge": ("an old bridge", "a narrow bridge", "a row of flat stones", "a long log")},
    beats=(
        (
            "{Time}, {he} and {friend_the} came to a stream. Over it went {bridge}.",
            "{Time}, {he} wanted to go to {friend_s} house, but {he} had to cross {bridge}.",
        ),
        (
            "{Hero} looked down. The water was fast and loud.",
            "{His} legs began to shake. The water was deep.",
        ),
        (
            '"I cannot cross it," said {hero}.',
            '"What if I fall in?" asked {hero}.',
        ),
        (
            '"Do not look down," said {friend}. "Look at me."',
            '{Friend} stood on the other side. "Take one small step," {fhe} called.',
        ),
        (
            "{Hero} took one step, then two, then three.",
            "Step by step, {hero} went on. {He} did not look down.",
        ),
        (
            "Then {he} was on the other side! {Friend} hugged {him}.",
            '"You did it!" cried {friend}. After that, {hero} crossed it every day.',
            "{Hero} stood on the other side and laughed. It was not so hard after all.",
        ),
    ),
)

SHY_SONG = Plot(
    name="shy singer",
    optional=(2, 5),
    traits=("had a beautiful voice", "was very shy", "liked to sing when no one was near"),
    times=("one evening", "on the day of the big show", "one summer evening"),
    beats=(
        (
            "{Time}, {he} had to sing in front of everyone.",
            "{Time}, {elder} asked {him} to sing for all the friends.",
        ),
        (
            "{Hero} opened {his} mouth, but no sound came out.",
            "{His} legs shook. {He} wanted to hide {spot1}.",
        ),
        (
            '"I am too shy," {he} said.',
            "Everyone was quiet and waited.",
        ),
        (
            "Then {friend_the} took {his} {hand} and began to sing.",
            '"Look only at me," said {friend_the}. "Sing for me."',
        ),
        (
            "{Hero} sang softly at first, and then louder and louder.",
            "So {hero} began, very softly. Soon {his} song filled the air.",
        ),
        (
            "When it was over, everyone clapped. {Hero} was not shy any more.",
            "Even the birds stopped to listen. {Hero} bowed and smiled.",
            '"You sing like a bird," said {elder}, and {hero} turned red with joy.',
        ),
    ),
)

LOST_IN_FOG = Plot(
    name="lost in the fog",
    optional=(1,),
    traits=("liked long walks", "went out alone", "loved {place}"),
    times=("one foggy day", "one gray morning", "late one afternoon"),
    words={
        "sign": (
            {"sign": "a bell", "act": "rang the bell by the door", "hear": "Ding, dong!"},
            {"sign": "a song", "act": "sang {his} favorite song", "hear": "La, la, la!"},
            {"sign": "a drum", "act": "beat a drum", "hear": "Boom, boom!"},
            {"sign": "a horn", "act": "blew a big horn", "hear": "Toot, toot!"},
        )
    },
    beats=(
        (
            "{Time}, {he} walked far away from home. Then the fog came, and {he} was lost.",
            "{Time}, {he} was {inside} when a thick fog came. {He} could not see the path.",
        ),
        (
            '"Where is my home?" said {hero}. {He} was cold and scared.',
            "{He} went left, and {he} went right. It all looked the same.",
        ),
        (
            "At home, {elder} began to worry. So {ehe} {act}.",
            '"Where is {hero}?" said {elder}. Then {ehe} {act}.',
        ),
        (
            '"{hear}" {Hero} stood still and listened. It was {sign}!',
            'Far away, {hero} heard {sign}. "{hear}"',
        ),
        (
            "{He} followed the sound, step by step, and there was {his} home.",
            "{He} walked and walked until {he} saw the light of {his} home.",
        ),
        (
            "{Elder} hugged {him} for a long time. It was good to be home.",
            '"I will always help you find the way," said {elder}.',
            "{Hero} drank warm milk by the fire and felt safe.",
        ),
    ),
)

LEARNING = Plot(
    name="learning",
    optional=(2, 5),
    cast="child",
    traits=("wanted to learn something new", "never gave up", "wanted to be big"),
    words={
        "skill": (
            {
                "skill": "swim",
                "fail": "{He} splashed and splashed, but {he} went under.",
                "win": "{He} moved {his} arms and legs, and {he} did not go under.",
            },
            {
                "skill": "ride a bike",
                "fail": "{He} got on, went left and right, and fell over.",
                "win": "The bike went straight, and the wind was in {his} face.",
            },
            {
                "skill": "whistle",
                "fail": "{He} blew and blew, but only air came out.",
                "win": "A clear, high sound came out.",
            },
            {
                "skill": "skate",
                "fail": "{He} took one step on the ice and fell down. Bump!",
                "win": "{He} went across the ice, smooth and fast.",
            },
            {
                "skill": "jump rope",
                "fail": "{He} jumped too late, and the rope caught {his} feet.",
                "win": "{He} jumped once, twice, ten times.",
            },
            {
                "skill": "climb the big tree",
                "fail": "{He} went up a little way and slid back down.",
                "win": "{He} went up, branch by branch, to the very top.",
            },
        )
    },
    beats=(
        (
            "{Time}, {he} wanted to learn to {skill}.",
            '"I want to {skill}," {he} said {time}.',
        ),
        ("{fail}",),
        (
            '"I cannot do it," said {hero}.',
            '"It is too hard!" {hero} cried.',
            "{Hero} sat down and wanted to stop.",
        ),
        (
            '"Try one more time," said {elder}. "I will stay with you."',
            '{Elder} smiled. "I fell many times before I could do it," {ehe} said.',
            '"Nobody can do it at first," said {friend_the}. "Try again."',
        ),
        ("So {hero} tried again and again. {win}", "{Hero} took a deep breath and tried. {win}"),
        (
            '"I did it!" {hero} shouted.',
            '"Look at me! I can {skill}!" {he} called.',
            "{Hero} was so proud that {he} did it all day long.",
        ),
    ),
)

RESCUE = Plot(
    name="rescue",
    optional=(5,),
    traits=("was very gentle", "liked to look at small things", "loved {place}"),
    words={
        "bug": (
            {"bug": "beetle", "trouble": "on its back and could not turn over"},
            {"bug": "bee", "trouble": "in a puddle and could not fly"},
            {"bug": "ant", "trouble": "in a deep puddle"},
            {"bug": "butterfly", "trouble": "in a spider web"},
            {"bug": "ladybug", "trouble": "in a drop of water"},
        ),
        "pay": (
            {
                "lost": "{his} way home",
                "found": "The little {bug} went ahead and showed {him} the way.",
            },
            {
                "lost": "{his} {color} mitten",
                "found": "The {bug} had found it {spot2} and took {him} there.",
            },
            {
                "lost": "{his} {color} hat",
                "found": "The {bug} sat right on top of it, so that {he} could see it.",
            },
            {
                "lost": "a {color} button",
                "found": "The {bug} had found it {spot3} and waited for {him} there.",
            },
        ),
    },
    beats=(
        (
            "{Time}, {he} saw a tiny {bug} {spot1}. It was {trouble}.",
            '{Time}, {he} heard a small voice. "Help me!" It was a {bug}, {trouble}.',
        ),
        (
            '"Do not be afraid," said {hero}. {He} used a leaf to set it free.',
            "{Hero} knelt down and helped it with a little stick.",
            "Very gently, {hero} picked it up and put it on a soft leaf.",
        ),
        (
            '"One day I will help you, too," said the {bug}.',
            '"I will not forget this," said the {bug}.',
        ),
        (
            "How could a tiny {bug} help? But the next day, {he} lost {lost}.",
            "The next day, {hero} lost {lost}.",
        ),
        ("{found}",),
        (
            "{Hero} learned that even small friends can do big things.",
            '"You did help me!" said {hero}. And they were friends from then on.',
        ),
    ),
)

PLOTS = (DARK, NOISE, THUNDER, BRIDGE, SHY_SONG, LOST_IN_FOG, LEARNING, RESCUE)
