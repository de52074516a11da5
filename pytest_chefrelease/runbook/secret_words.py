"""What people write where a random secret belongs: placeholders, published examples, words.

Source: the documentation and templates that are copied most (each example is public text),
and the words of which made-up secrets consist.
"""

from __future__ import annotations

PLACEHOLDERS = (
    "changeme",
    "changethis",
    "changeit",
    "changebefore",
    "changein",
    "pleasechange",
    "replaceme",
    "replacethis",
    "replacewith",
    "placeholder",
    "yoursecret",
    "yourjwt",
    "yourkey",
    "yourpassword",
    "yourpass",
    "yoursuper",
    "yourapikey",
    "yourown",
    "insertyour",
    "insertsecret",
    "inserthere",
    "enteryour",
    "putyour",
    "example",
    "donotuse",
    "dontuse",
    "notasecret",
    "notsosecret",
    "verysecret",
    "insecure",
    "unsafe",
    "fillmein",
    "fillthis",
    "tobemodified",
    "tobedefined",
    "tobereplaced",
    "tobechanged",
    "generateme",
    "generatea",
    "keyboardcat",
    "dummysecret",
    "dummykey",
    "samplesecret",
    "testsecret",
    "defaultsecret",
    "redacted",
)
"""Letters only, lower case: found anywhere in a value, they say that nobody has chosen it."""

EMPTY_WORDS = frozenset(
    {"undefined", "null", "none", "nil", "nan", "false", "true", "todo", "tbd", "fixme", "unset"}
)
"""What a missing value turns into on its way through templates and shells."""

PUBLISHED = frozenset(
    {
        "your-256-bit-secret",
        "your-384-bit-secret",
        "your-512-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
        '_5#y2L"F4Q8z\\n\\xec]/',
        "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
        "413F4428472B4B6250655368566D5970337336763979244226452948404D6351",
        "3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",
        "5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437",
        "dGhpcy1pcy1hLXNlY3JldA==",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AKIAIOSFODNN7EXAMPLE",
        "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "It's a Secret to Everybody",
        "8f742231b10e8888abcd99yyyzzz85a5",
        "2gyZ3GDw3LHZQKDhPmPDL3sjREVRXPr8",
        "thisisunsafe",
        "correct horse battery staple",
        "correcthorsebatterystaple",
    }
)
"""Values printed in manuals and templates: JWT.io, RFC 7515 and 7517, NestJS, FastAPI, Flask,
Supabase, Spring tutorials, AWS, Stripe, GitHub webhooks, Slack, Svix. Compared whole."""

_WORDS = """
    about above access account acme action active adam address admin administrator after again
    alice alpha alphabet always amazon america amsterdam anderson andrew angel animal another
    answer anything apache api apple application apps april archive arsenal arthur asset august
    auth authentication author auto autumn awesome azure baby back backend bakery ball banana
    bank banking base baseball basic batman battery beach bear beautiful bella berlin beta better
    big bird bitter black blank blood blue board body book boss boston bot bottle box boy branch
    bread breakfast brown bucket bug build bull burger business butter buy cafe cake camera camp
    canada candle captain car card carlos cash castle cat cedar cell center central certificate
    chain challenge champion change charlie cheese chef chelsea cherry chicago chicken china
    chocolate chris christ church cipher circle city class clean clear client clock cloud club
    coca code coffee cold color company complex compose computer config connect connection
    console container content control cookie cool copper corp correct country cover cow cream
    create credential crypto crystal cube customer cyber daily dallas dance daniel dark data
    database date david day deep default delta demo deploy desert desk dev developer development
    diamond digital dinner direct disk docker doctor document dog dollar domain door dragon dream
    drive drop duck dummy eagle early earth east easy edge email employee empty encrypt
    encryption energy engine england enter enterprise entry error ever every everybody example
    express extra face factory fair faith fake falcon family fast father february field file
    fire first fish flag floor florida flower fly food football for forest forever forget fortune
    forty fox france frank free freedom french fresh friday friend frog from front full fun
    galaxy game garden gate general generated george germany ghost giant gift girl give glass
    global god gold golden good google grand green group guest guitar gun hack hacker half hammer
    hand happy hard harley hash heart heaven heavy hello help here hidden high hockey home honey
    hope horse hospital host hot hotel hour house hundred hunter ice idea image important
    information inside instance internal internet inventory iron is island italy jack jackson
    james january jason jesus john jordan joseph joshua juice july june jungle jumps just jwt key
    keyboard kill killer king kitchen kitten knight known lake land large laser last laura law
    lazy leader leaf legend lemon less let letter level liberty life light lightning like lion list
    little live liverpool local localhost lock log login london long look lord lost love lucky
    lunch machine magic mail main manager mango manual march maria mark market martin master
    match matrix matter maverick max me media medium melon member memory menu mercedes message
    metal michael michelle micro middle midnight milk million mind mine mini minimum mirror
    mobile model modern monday money monitor monkey monster moon more morning mother mountain
    mouse movie music mustang my name nascar nathan nature need network never new next nice
    nicole night nine ninja node none normal north not note nothing november number ocean october
    office old oliver one only open operator option orange order org oscar other our out over own
    pacific page paint panda panther paper paris park party pass passphrase passwd password
    patrick pay payment payroll peace peanut pencil pepper people perfect person phone phrase
    picture pilot pink pizza place plain planet plant plastic platform play player please point
    police portal post postgres power prague present preview prince princess print private pro
    process prod product production program project prometheus protect proxy public purple
    purpose python queen question quick rabbit race radio rain rainbow random ranger read ready
    real record red redis region release remember remote replica report request rest restaurant
    return rich right ring river road robert robot rock rocket root rose round route royal ruby
    run russia safe salad sales salt same sample samsung sandbox sarah saturday scooter script
    sea season second secret section secure security seed send sentry september sequence serial
    server service session set seven shadow share shark sheep shell ship shop short show side
    sign signed signature signing silver simple single site six size sky sleep small smart smith
    smoke snow soccer social soft software solar some something song soul sound soup source south
    space spain spark special speed spider spring square staff stage staging standard staple
    star start state station steel steven stone stop storage store storm story street strong
    student studio sugar summer sun sunday sunshine super superman support sure surf sweet switch
    system table taylor team tech temp temporary ten tennis test testing text thank that the
    their then there thing think this thomas thousand three thunder thursday tiger time tiny
    title today token tomato tomorrow tool top total tower town toyota trace track trade train
    travel tree trial trust trustno truth tuesday turtle two umbrella under unicorn unique united
    universe unknown up update upload user using valid value vault vendor verify version very
    victor victory video village violet viper vision voice wait walk wall war warm warrior watch
    water wave weather web webhook wednesday week weekend welcome well west whatever wheel when
    where white wild william win window windows wine winner winter wireless with wizard wolf
    woman wonder wood word work worker world worry write yankees year yellow yes yesterday you
    young your zero zone
    qwerty qwertz azerty letmein iloveyou trustno1 abc xyz foo bar baz asdf zxcv hunter2 admin1
"""
WORDS = frozenset(_WORDS.split())
"""Words that passwords and made-up secrets consist of; each counts as one choice."""

SEQUENCES = tuple(
    direction
    for row in (
        "abcdefghijklmnopqrstuvwxyz",
        "01234567890",
        "0123456789abcdef",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
        "azertyuiopqsdfghjklmwxcvbn",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "qazwsxedcrfvtgbyhnujmikolp",
        "1q2w3e4r5t6y7u8i9o0p",
        "a1b2c3d4e5f6g7h8i9j0",
        "a1s2d3f4g5h6j7k8l9",
        "!@#$%^&*()_+",
        "pyfgcrlaoeuidhtnsqjkxbmwvz",
    )
    for direction in (row, row[::-1])
)
"""Rows, columns and zigzags of keyboards, and counting, both ways."""

LEET = str.maketrans("013457@$!|", "oieastasil")
"""Digits and signs that stand for letters."""

_PAIRS = """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve
    co me de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no
    ct us ac ot il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts
    mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo
    sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi
    da yo cr cl du ga qu ue ff ba ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew
    mu br bi pt ak pu ui rg ib tl ny ki rk ys ob mm fu ph og ms ye ud mb ip ub oi rl gu dr hr cc
"""
PAIRS = frozenset(_PAIRS.split())
"""The pairs of letters that make up most of a language's text, of the 676 there are. Source:
P. Norvig, "English Letter Frequency Counts: Mayzner Revisited" (2012)."""
