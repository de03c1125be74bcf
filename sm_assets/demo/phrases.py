"""The words of the demo world: parts of sentences in five languages, invented places, patterns for page names.

Here: tables of text, nothing that draws from them (`texts`). All sentences and names are made up; web sites end in
`.example`. Subjects are singular and predicates agree with every subject, so that any two of them make a sentence.
`{n}` stands for a number, `{day}` for a day of the week, `{place}` for a place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOPICS: Final = ("water", "school", "ferry", "market", "housing", "harvest", "tram", "hospital", "football", "library")


@dataclass(frozen=True, slots=True)
class Language:
    """What one language brings.

    Attributes:
        code: ISO 639-1.
        countries: (country code, hours from UTC of its clocks in the demo's season), the most frequent first; those of one
            language live hours apart, so that language and clock tell the country.
        places: halves of invented place names.
        titles: patterns of page names, `{place}`.
        openers: what may stand before a sentence; one of them is empty.
        subjects: topic -> noun phrases that begin a sentence, `{place}`.
        predicates: rest of the sentence, `{n}`, `{day}`.
        tails: second sentences.
        greetings: texts too short to say anything.
        days: days of the week.
        site_words: pieces of host names.
    """

    code: str
    countries: tuple[tuple[str, int], ...]
    places: tuple[tuple[str, ...], tuple[str, ...]]
    titles: tuple[str, ...]
    openers: tuple[str, ...]
    subjects: dict[str, tuple[str, ...]]
    predicates: tuple[str, ...]
    tails: tuple[str, ...]
    greetings: tuple[str, ...]
    days: tuple[str, ...]
    site_words: tuple[str, ...]


ENGLISH: Final = Language(
    code="en",
    countries=(("US", -5), ("GB", 0)),
    places=(
        (
            "Marro",
            "Lunder",
            "Thistle",
            "Quill",
            "Brammel",
            "Corven",
            "Ebber",
            "Fallow",
            "Otter",
            "Pellan",
            "Sorrel",
            "Wexen",
        ),
        ("wick", "mere", "combe", "stead", "holt", "haven", "brook", "ness"),
    ),
    titles=(
        "{place} Morning Post",
        "Voices of {place}",
        "{place} Today",
        "Neighbours of {place}",
        "The {place} Lantern",
        "{place} Truth Watch",
        "Proud of {place}",
        "{place} Weather and Roads",
        "What {place} Won't Tell You",
        "{place} Kitchen Table",
    ),
    openers=(
        "",
        "Breaking: ",
        "Did you know? ",
        "Look at this: ",
        "Just in: ",
        "Finally: ",
        "Unbelievable. ",
        "Good news: ",
    ),
    subjects={
        "water": ("The water tower of {place}", "The new well near {place}", "The price of tap water in {place}"),
        "school": ("The primary school of {place}", "The school bus to {place}", "The teachers' union of {place}"),
        "ferry": ("The night ferry to {place}", "The old harbour of {place}", "The ferry captain from {place}"),
        "market": ("The farmers' market of {place}", "The market hall in {place}", "The oldest bakery of {place}"),
        "housing": ("The empty hotel in {place}", "The rent for a room in {place}", "The building permit for {place}"),
        "harvest": ("The apple harvest around {place}", "The grain store of {place}", "The beekeeper from {place}"),
        "tram": ("The tram line to {place}", "The bridge before {place}", "The ring road around {place}"),
        "hospital": ("The night clinic of {place}", "The only midwife in {place}", "The ambulance station of {place}"),
        "football": ("The football club of {place}", "The stadium lawn in {place}", "The goalkeeper from {place}"),
        "library": ("The public library of {place}", "The reading room in {place}", "The music school of {place}"),
    },
    predicates=(
        "is back in the news after {n} quiet months",
        "needs the help of {n} volunteers by {day}",
        "will cost every household {n} crowns more",
        "was discussed behind closed doors last {day}",
        "has been waiting for repairs for {n} years",
        "opens again on {day} after {n} weeks",
        "is the reason why {n} families wrote to the mayor",
        "got a second chance on {day}, {n} votes to nine",
        "appears in a report of {n} pages that nobody read",
        "made {n} people smile on {day}",
        "is said to be sold for {n} thousand crowns",
        "has not answered a single one of our {n} questions",
        "collected {n} signatures since {day}",
        "surprised us all with a bill over {n} crowns",
    ),
    tails=(
        "Share before it is taken down.",
        "Ask your council why.",
        "Nobody else talks about it.",
        "Tell your neighbours.",
        "We will keep asking.",
        "What do you think?",
        "The full story is in the link.",
        "Read it to the end.",
        "You decide.",
        "More pictures tomorrow.",
        "Thanks to everybody who wrote to us.",
        "It concerns all of us.",
    ),
    greetings=("Good morning!", "Happy Friday!", "So true.", "Wow!", "Thank you all"),
    days=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    site_words=("herald", "daily", "courier", "window", "signal", "lantern", "mirror", "compass"),
)

SPANISH: Final = Language(
    code="es",
    countries=(("MX", -6), ("ES", 1)),
    places=(
        ("Valde", "Monte", "Rio", "Pena", "Castro", "Lagu", "Oliv", "Torre", "Mira", "Salda"),
        ("quejo", "nilla", "varena", "mozar", "lirios", "cuesta", "rojal", "tiña"),
    ),
    titles=(
        "El Diario de {place}",
        "Vecinos de {place}",
        "{place} Hoy",
        "La Voz de {place}",
        "Orgullo de {place}",
        "{place} Despierta",
        "Noticias de {place}",
        "La Plaza de {place}",
        "Lo que calla {place}",
    ),
    openers=(
        "",
        "Urgente: ",
        "¿Lo sabías? ",
        "Mira esto: ",
        "Última hora: ",
        "Por fin: ",
        "Increíble. ",
        "Buenas noticias: ",
    ),
    subjects={
        "water": ("El depósito de agua de {place}", "El nuevo pozo cerca de {place}", "El precio del agua en {place}"),
        "school": (
            "La escuela primaria de {place}",
            "El autobús escolar de {place}",
            "La directora del colegio de {place}",
        ),
        "ferry": ("El barco nocturno a {place}", "El viejo puerto de {place}", "La capitana del barco de {place}"),
        "market": ("El mercado campesino de {place}", "La panadería más antigua de {place}", "La feria de {place}"),
        "housing": (
            "El hotel vacío de {place}",
            "El alquiler de un cuarto en {place}",
            "El permiso de obra de {place}",
        ),
        "harvest": ("La cosecha de manzanas de {place}", "El granero de {place}", "La apicultora de {place}"),
        "tram": ("El tranvía a {place}", "El puente antes de {place}", "La carretera vieja de {place}"),
        "hospital": ("La clínica nocturna de {place}", "La única partera de {place}", "La ambulancia de {place}"),
        "football": ("El club de fútbol de {place}", "El césped del estadio de {place}", "La portera de {place}"),
        "library": (
            "La biblioteca pública de {place}",
            "La sala de lectura de {place}",
            "La escuela de música de {place}",
        ),
    },
    predicates=(
        "vuelve a ser noticia después de {n} meses",
        "necesita la ayuda de {n} voluntarios antes del {day}",
        "costará a cada familia {n} coronas más",
        "fue tema de una reunión secreta el {day}",
        "espera una reparación desde hace {n} años",
        "abre de nuevo el {day} después de {n} semanas",
        "es el motivo por el que {n} familias escribieron al alcalde",
        "aparece en un informe de {n} páginas que nadie leyó",
        "hizo sonreír a {n} personas el {day}",
        "no ha respondido a ninguna de nuestras {n} preguntas",
        "reunió {n} firmas desde el {day}",
        "nos sorprendió con una factura de {n} coronas",
    ),
    tails=(
        "Comparte antes de que lo borren.",
        "Pregunta a tu ayuntamiento.",
        "Nadie más habla de esto.",
        "Cuéntaselo a tus vecinos.",
        "Seguiremos preguntando.",
        "¿Qué opinas tú?",
        "La historia completa está en el enlace.",
        "Léelo hasta el final.",
        "Tú decides.",
        "Mañana habrá más fotos.",
        "Gracias a todos los que nos escribieron.",
    ),
    greetings=("¡Buenos días!", "¡Feliz viernes!", "Así es.", "¡Gracias!", "Muy cierto"),
    days=("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    site_words=("diario", "correo", "ventana", "faro", "espejo", "plaza", "semana", "brujula"),
)

FRENCH: Final = Language(
    code="fr",
    countries=(("FR", 1),),
    places=(
        ("Clair", "Beau", "Haute", "Mont", "Vau", "Roche", "Fonte", "Plais", "Bois"),
        ("vallin", "brèze", "mirelle", "courtil", "noyer", "sorelle", "tannay", "lioux"),
    ),
    titles=(
        "Le Courrier de {place}",
        "Les Voisins de {place}",
        "{place} Aujourd'hui",
        "La Voix de {place}",
        "Fiers de {place}",
        "{place} en colère",
        "La Gazette de {place}",
        "Ce que {place} vous cache",
    ),
    openers=("", "Urgent : ", "Le saviez-vous ? ", "Regardez : ", "Enfin : ", "Incroyable. ", "Bonne nouvelle : "),
    subjects={
        "water": ("Le château d'eau de {place}", "Le nouveau puits près de {place}", "Le prix de l'eau à {place}"),
        "school": ("Le collège de {place}", "Le car scolaire de {place}", "Le syndicat des parents de {place}"),
        "ferry": ("Le bac de nuit vers {place}", "Le vieux port de {place}", "Le capitaine du bac de {place}"),
        "market": ("Le marché paysan de {place}", "Le plus vieux four de {place}", "Le marché couvert de {place}"),
        "housing": (
            "Le vieil hôtel vide de {place}",
            "Le loyer d'une chambre à {place}",
            "Le permis de construire de {place}",
        ),
        "harvest": ("Le verger communal de {place}", "Le grenier à blé de {place}", "Le rucher de {place}"),
        "tram": ("Le tramway vers {place}", "Le pont avant {place}", "Le périphérique de {place}"),
        "hospital": ("Le centre de soins de {place}", "Le seul médecin de {place}", "Le poste de secours de {place}"),
        "football": ("Le club de football de {place}", "Le stade de {place}", "Le gardien de but de {place}"),
        "library": ("Le bibliobus de {place}", "Le cercle de lecture de {place}", "Le conservatoire de {place}"),
    },
    predicates=(
        "fait de nouveau parler de lui après {n} mois",
        "a besoin de {n} bénévoles avant {day}",
        "coûtera {n} couronnes de plus à chaque foyer",
        "était au centre d'une réunion à huis clos {day} dernier",
        "attend des travaux depuis {n} ans",
        "rouvre {day} après {n} semaines",
        "a poussé {n} familles à écrire au maire",
        "figure dans un rapport de {n} pages que personne n'a lu",
        "a fait sourire {n} personnes {day}",
        "n'a répondu à aucune de nos {n} questions",
        "a réuni {n} signatures depuis {day}",
    ),
    tails=(
        "Partagez avant que ce soit supprimé.",
        "Demandez pourquoi à votre mairie.",
        "Personne d'autre n'en parle.",
        "Dites-le à vos voisins.",
        "Nous continuerons à demander.",
        "Qu'en pensez-vous ?",
        "Toute l'histoire est dans le lien.",
        "Lisez jusqu'au bout.",
        "À vous de juger.",
        "Merci à tous ceux qui nous ont écrit.",
    ),
    greetings=("Bonjour à tous !", "Bon vendredi !", "Tellement vrai.", "Merci !"),
    days=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    site_words=("courrier", "gazette", "fenetre", "phare", "miroir", "semaine", "boussole"),
)

GERMAN: Final = Language(
    code="de",
    countries=(("DE", 1),),
    places=(
        ("Grün", "Eben", "Wald", "Lerchen", "Stein", "Moor", "Ahorn", "Hasel", "Finken"),
        ("moor", "hausten", "bronn", "lohe", "rieden", "tal", "büttel", "angen"),
    ),
    titles=(
        "Talbote {place}",
        "Nachbarn in {place}",
        "{place} heute",
        "Stimme aus {place}",
        "Wir in {place}",
        "{place} wacht auf",
        "Neues aus {place}",
        "Was {place} verschweigt",
    ),
    openers=(
        "",
        "Eilmeldung: ",
        "Schon gewusst? ",
        "Seht euch das an: ",
        "Endlich: ",
        "Unglaublich. ",
        "Gute Nachricht: ",
    ),
    subjects={
        "water": ("Der Wasserturm von {place}", "Der neue Brunnen bei {place}", "Der Wasserpreis in {place}"),
        "school": ("Die Grundschule von {place}", "Der Schulbus nach {place}", "Der Elternrat von {place}"),
        "ferry": ("Die Nachtfähre nach {place}", "Der alte Hafen von {place}", "Die Kapitänin aus {place}"),
        "market": ("Der Wochenmarkt von {place}", "Die älteste Bäckerei von {place}", "Die Markthalle in {place}"),
        "housing": (
            "Das leere Hotel in {place}",
            "Die Miete für ein Zimmer in {place}",
            "Die Baugenehmigung für {place}",
        ),
        "harvest": ("Die Apfelernte um {place}", "Der Kornspeicher von {place}", "Die Imkerin aus {place}"),
        "tram": ("Die Straßenbahn nach {place}", "Die Brücke vor {place}", "Die Umgehungsstraße von {place}"),
        "hospital": ("Die Nachtklinik von {place}", "Die einzige Hebamme in {place}", "Die Rettungswache von {place}"),
        "football": ("Der Fußballverein von {place}", "Der Rasen im Stadion von {place}", "Die Torfrau aus {place}"),
        "library": ("Die Bücherei von {place}", "Der Lesesaal in {place}", "Die Musikschule von {place}"),
    },
    predicates=(
        "ist nach {n} ruhigen Monaten wieder in den Nachrichten",
        "braucht bis {day} die Hilfe von {n} Freiwilligen",
        "kostet jeden Haushalt bald {n} Kronen mehr",
        "war am {day} Thema hinter verschlossenen Türen",
        "wartet seit {n} Jahren auf eine Reparatur",
        "öffnet am {day} nach {n} Wochen wieder",
        "ist der Grund, warum {n} Familien an den Rat schrieben",
        "steht in einem Bericht von {n} Seiten, den niemand las",
        "brachte am {day} {n} Menschen zum Lächeln",
        "hat auf keine unserer {n} Fragen geantwortet",
        "sammelte seit {day} {n} Unterschriften",
    ),
    tails=(
        "Teilt es, bevor es gelöscht wird.",
        "Fragt euren Stadtrat, warum.",
        "Sonst redet niemand darüber.",
        "Sagt es den Nachbarn.",
        "Wir fragen weiter.",
        "Was meint ihr dazu?",
        "Die ganze Geschichte steht im Link.",
        "Lest bis zum Ende.",
        "Entscheidet selbst.",
        "Danke an alle, die uns geschrieben haben.",
    ),
    greetings=("Guten Morgen!", "Schönen Freitag!", "Genau so.", "Danke euch!"),
    days=("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    site_words=("bote", "kurier", "fenster", "leuchtturm", "woche", "kompass"),
)

PORTUGUESE: Final = Language(
    code="pt",
    countries=(("BR", -3),),
    places=(
        ("Ribei", "Lagoa", "Serra", "Campo", "Vila", "Pedra", "Olho", "Mata"),
        ("rinha", "velinda", "mirante", "dourel", "fontã", "laranjo", "sereno", "queiral"),
    ),
    titles=(
        "Diário de {place}",
        "Vizinhos de {place}",
        "{place} Hoje",
        "A Voz de {place}",
        "Orgulho de {place}",
        "Acorda {place}",
        "Notícias de {place}",
        "O que {place} esconde",
    ),
    openers=(
        "",
        "Urgente: ",
        "Você sabia? ",
        "Veja isto: ",
        "Última hora: ",
        "Finalmente: ",
        "Inacreditável. ",
        "Boa notícia: ",
    ),
    subjects={
        "water": ("A caixa d'água de {place}", "O novo poço perto de {place}", "O preço da água em {place}"),
        "school": ("A escola primária de {place}", "O ônibus escolar de {place}", "A diretora do colégio de {place}"),
        "ferry": ("A balsa noturna para {place}", "O velho porto de {place}", "A capitã da balsa de {place}"),
        "market": ("A feira de produtores de {place}", "A padaria mais antiga de {place}", "O mercado de {place}"),
        "housing": ("O hotel vazio de {place}", "O aluguel de um quarto em {place}", "A licença de obra de {place}"),
        "harvest": ("A colheita de maçãs de {place}", "O celeiro de {place}", "A apicultora de {place}"),
        "tram": ("O bonde para {place}", "A ponte antes de {place}", "A estrada velha de {place}"),
        "hospital": ("A clínica noturna de {place}", "A única parteira de {place}", "A ambulância de {place}"),
        "football": ("O clube de futebol de {place}", "O gramado do estádio de {place}", "A goleira de {place}"),
        "library": ("A biblioteca pública de {place}", "A sala de leitura de {place}", "A escola de música de {place}"),
    },
    predicates=(
        "volta às notícias depois de {n} meses",
        "precisa da ajuda de {n} voluntários até {day}",
        "vai custar {n} coroas a mais para cada família",
        "foi assunto de uma reunião fechada na {day}",
        "espera por conserto há {n} anos",
        "abre de novo na {day} depois de {n} semanas",
        "é o motivo pelo qual {n} famílias escreveram ao prefeito",
        "aparece num relatório de {n} páginas que ninguém leu",
        "fez {n} pessoas sorrirem na {day}",
        "não respondeu a nenhuma das nossas {n} perguntas",
        "juntou {n} assinaturas desde {day}",
    ),
    tails=(
        "Compartilhe antes que apaguem.",
        "Pergunte à prefeitura.",
        "Ninguém mais fala disso.",
        "Conte aos vizinhos.",
        "Vamos continuar perguntando.",
        "O que você acha?",
        "A história completa está no link.",
        "Leia até o fim.",
        "Você decide.",
        "Obrigado a todos que escreveram.",
    ),
    greetings=("Bom dia!", "Feliz sexta!", "Verdade.", "Obrigado!"),
    days=("segunda", "terça", "quarta", "quinta", "sexta"),  # all feminine: "na" fits
    site_words=("diario", "correio", "janela", "farol", "espelho", "semana", "bussola"),
)

LANGUAGES: Final = {language.code: language for language in (ENGLISH, SPANISH, FRENCH, GERMAN, PORTUGUESE)}

# What the platform itself writes; nobody's content.
PLATFORM_NOTICES: Final = ("{title} updated their cover photo.", "{title} was live.", "This is a re-share of a post")

# Signs that look alike with and without their variation selector.
SIGNS: Final = (
    "\u26a0\ufe0f",
    "\u2764\ufe0f",
    "\u2600\ufe0f",
    "\u2714\ufe0f",
    "\u27a1\ufe0f",
    "\U0001f449",
    "\U0001f4e2",
)
