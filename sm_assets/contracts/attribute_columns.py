"""Columns of the tables of what accounts are: labels, traits, models, attributes with probabilities.

Here: the part of the registry that `columns` takes in; `<group>.<name>` where the name means something else elsewhere.
`TRAIT_COLUMNS` are the numbers that models are trained on, in their order. Not here: which table has which column.
"""

from __future__ import annotations

from typing import Final

from sm_assets.contracts.makers import count, flag, number, share, text, time
from sm_assets.contracts.schema import Column

LABEL_REJECT_REASONS: Final = (
    "missing_cell",
    "extra_cells",
    "bad_cell",
    "bad_date",
    "unknown_account",
    "unknown_attribute",
    "unknown_value",
    "contradictory",
)
ATTRIBUTE_NAME: Final = r"[a-z][a-z0-9_]{0,63}"
"""Pattern of an attribute's name, which is the name of its models' folder too."""
ALGORITHMS: Final = ("linear_svm", "rbf_svm", "random_forest", "logistic_regression", "majority")
CURVES: Final = ("validation", "learning", "calibration", "risk_coverage")
ATTRIBUTE_REASONS: Final = ("by_place", "no_model", "too_few_posts", "unlike_training", "low_confidence")
PLACE_RULES: Final = ("flag", "country", "region", "city_and_country", "city")

_LABELS = (
    text("attribute", "What is said of the account, as `kind` or `country`."),
    text("value", "Value of the attribute; of `kind` person, company or bot, of `country` an ISO 3166-1 alpha-2 code."),
    text("group", "Accounts of one group are never split between training and test, as the bots of one operator."),
    text("labelled_by", "Who made the label."),
    time("labelled_at", "When the label was made."),
    Column("columns", "list<text>", "Columns of the file whose cells were at fault."),
)
_PLACES = (
    text(
        "place_country",
        "Country of the place that the profile states, an ISO 3166-1 alpha-2 code; null: none is certain.",
    ),
    text("place_rule", "By what the country was found: a flag, its name, a region of it, a city.", *PLACE_RULES),
)

_BIO = (
    number("bio_chars", "characters", "Length of the biography.", 0),
    number("bio_words", "words", "Words of the biography.", 0),
    number("bio_urls", "links", "Addresses in the biography, addresses of mail included.", 0),
    number("bio_emoji", "signs", "Emoji in the biography.", 0),
    number("bio_hashtags", "hashtags", "Hashtags in the biography.", 0),
    number("bio_mentions", "mentions", "Accounts that the biography names with @.", 0),
    share("bio_capitals", "Capitals out of the letters of the biography."),
    share("bio_digits", "Digits out of letters and digits of the biography."),
    share("bio_first_person", "Words like `I` and `my` out of the words of the biography (en, de, es, fr, pt)."),
    share("bio_corporate", "Words like `official` and `we` out of the words of the biography (en, de, es, fr, pt)."),
    share("bio_automation", "Words like `bot` and `automated` out of the words of the biography (en, de, es, fr, pt)."),
)
_NAMES = (
    number("handle_chars", "characters", "Length of the handle; on Bluesky of its part before the first dot.", 0),
    share("handle_digits", "Digits out of the letters and digits of the handle."),
    number("handle_last_digits", "digits", "Digits at the end of the handle.", 0),
    number("handle_entropy", "bits", "Entropy of the signs of the handle.", 0),
    number("name_chars", "characters", "Length of the shown name.", 0),
    number("name_emoji", "signs", "Emoji in the shown name.", 0),
    share("name_capitals", "Capitals out of the letters of the shown name."),
    share("name_in_handle", "Pairs of neighbouring letters that name and handle share, out of all pairs of either."),
)
_ACCOUNT = (
    number("account_verified", "", "1: verified by the platform; 0: not.", 0, 1),
    number("account_age", "days", "From the making of the account to the end of the as-of day.", 0),
    number("account_followers", "log10", "Logarithm of followers + 1.", 0),
    number("account_following", "log10", "Logarithm of accounts followed + 1.", 0),
    number("account_follow_ratio", "log10", "Logarithm of (followers + 1) / (accounts followed + 1)."),
    number("account_posts_ever", "log10", "Logarithm of the platform's count of posts + 1.", 0),
    number("account_posts_a_day", "log10", "Logarithm of 1 + posts by the platform's count per day of its age.", 0),
)
_RHYTHM = (
    number("rhythm_posts", "log10", "Logarithm of posts, replies and quotes + 1.", 0),
    number("rhythm_active_days", "days", "Days on which the account wrote.", 0),
    number("rhythm_posts_a_day", "posts", "Posts, replies and quotes per day on which the account wrote.", 0),
    share("rhythm_replies", "Replies out of posts, replies and quotes."),
    share("rhythm_quotes", "Quotes out of posts, replies and quotes."),
    share(
        "rhythm_reposts", "Reposts out of reposts, posts, replies and quotes; null: the platform delivers no reposts."
    ),
    number(
        "rhythm_likes", "log10", "Logarithm of (likes + 1) / (posts, replies and quotes + 1); null: no likes delivered."
    ),
    share("rhythm_weekend", "Posts, replies and quotes on Saturdays and Sundays, UTC."),
    share("rhythm_busiest_day", "Posts, replies and quotes on the busiest day; null: fewer than 2 active days."),
    number("rhythm_longest_pause", "days", "Longest run of days without a post between two with one.", 0),
    share(
        "rhythm_regularity", "How alike the active days are by hour, 1: all the same; null: fewer than 2 active days."
    ),
    number(
        "rhythm_gap_median", "log2(s)", "Median of the seconds between two posts of one day, as a power of 2.", 0, 18
    ),
    number("rhythm_gap_spread", "log2(s)", "Standard deviation of these powers of 2; null: fewer than 2 gaps.", 0),
    share("rhythm_gap_peak", "Gaps in the fullest step of the powers of 2: high for posts at even intervals."),
    share("rhythm_gap_short", "Gaps of less than 64 seconds: bursts."),
    number("rhythm_hour_entropy", "bits", "Entropy of the 24 hours of the day.", 0, 4.585),
    share("rhythm_hour_peak", "Posts, replies and quotes in the fullest hour of the day."),
    number(
        "rhythm_quiet_hours", "hours", "Longest run of hours of the day, midnight crossed, without any post.", 0, 24
    ),
    number("rhythm_second_entropy", "bits", "Entropy of the 60 seconds of the minute.", 0, 5.907),
    share("rhythm_second_peak", "Posts, replies and quotes in the fullest second of the minute: high for timers."),
)
_HOURS = (
    number("hours_mean_sin", "", "Sine of the circular mean of the hours, UTC, times its length.", -1, 1),
    number("hours_mean_cos", "", "Cosine of the circular mean of the hours, UTC, times its length.", -1, 1),
    number("hours_quiet_sin", "", "Sine of the middle of the longest quiet run of hours, UTC.", -1, 1),
    number("hours_quiet_cos", "", "Cosine of the middle of the longest quiet run of hours, UTC.", -1, 1),
    share("hours_00_05", "Posts, replies and quotes from 0:00 to 5:59 UTC."),
    share("hours_06_11", "Posts, replies and quotes from 6:00 to 11:59 UTC."),
    share("hours_12_17", "Posts, replies and quotes from 12:00 to 17:59 UTC."),
    share("hours_18_23", "Posts, replies and quotes from 18:00 to 23:59 UTC."),
)
_TEXT = (
    share("text_distinct", "Distinct texts out of posts with a text that is long enough to be compared."),
    share("text_coshared", "Distinct contents that another account of the window carries too."),
    number("text_chars", "characters", "Mean length of posts, replies and quotes.", 0),
    number("text_words", "words", "Mean number of words of posts, replies and quotes.", 0),
    number("text_word_chars", "characters", "Characters per word, blanks included.", 0),
    share("text_links", "Posts, replies and quotes with a link."),
    share("text_hashtags", "Posts, replies and quotes with a hashtag."),
    share("text_mentions", "Posts, replies and quotes that name an account."),
    share("text_media", "Posts, replies and quotes with a picture or video."),
    number("text_hashtags_a_post", "hashtags", "Hashtags per post, reply or quote.", 0),
    number("text_emoji_a_post", "signs", "Emoji per post, reply or quote.", 0),
    share(
        "text_type_token",
        "Different words out of the first 100 of ten posts: low for templates; null: fewer than 20 words.",
    ),
    share("text_first_person", "Words like `I` and `my` out of the first 100 words of ten posts (en, de, es, fr, pt)."),
    share(
        "text_corporate", "Words like `our` and `offer` out of the first 100 words of ten posts (en, de, es, fr, pt)."
    ),
)
_NETWORK = (
    number("network_mentions_a_post", "mentions", "Accounts named per post, reply or quote.", 0),
    share("network_mentioned", "Different accounts out of the mentions."),
    share("network_replied", "Different accounts out of the replies to others; null: none is known."),
    share("network_self_replies", "Replies to the account's own posts out of replies whose target is known."),
    share("network_reposted", "Different accounts out of the reposts; null: none is known."),
    number(
        "network_follows_made", "log10", "Logarithm of follows made + 1; null: the platform delivers no follows.", 0
    ),
)
_LANGUAGES = (
    share("language_top", "Posts in the most frequent language; undetermined ones are left out."),
    number("language_entropy", "bits", "Entropy of the languages; undetermined ones are left out.", 0),
    share("language_unknown", "Posts whose language the model is not certain of."),
    share("language_en", "Posts in English out of those of a certain language."),
    share("language_de", "Posts in German out of those of a certain language."),
    share("language_es", "Posts in Spanish out of those of a certain language."),
    share("language_fr", "Posts in French out of those of a certain language."),
    share("language_pt", "Posts in Portuguese out of those of a certain language."),
    share("language_it", "Posts in Italian out of those of a certain language."),
    share("language_ja", "Posts in Japanese out of those of a certain language."),
)
_LINKS = (
    number("links_entropy", "bits", "Entropy of the domains that the links lead to.", 0),
    share("links_top", "Links to the most frequent domain."),
    share("links_country", "Links to a domain of any country, as .de, out of all links."),
    share("links_us", "Links to .us, .gov, .mil or .edu out of all links."),
    share("links_uk", "Links to .uk out of all links."),
    share("links_de", "Links to .de out of all links."),
    share("links_fr", "Links to .fr out of all links."),
    share("links_es", "Links to .es out of all links."),
    share("links_br", "Links to .br out of all links."),
)

TRAIT_COLUMNS: Final = (
    *_BIO, *_NAMES, *_ACCOUNT, *_RHYTHM, *_HOURS, *_TEXT, *_NETWORK, *_LANGUAGES, *_LINKS,
)  # fmt: skip

_MODELS = (
    text("model_id", "Name of the model, by all that it was made from: labels, traits, parameters, versions."),
    text("algorithm", "What was fitted; the last two are yardsticks and never chosen.", *ALGORITHMS),
    text("parameters", "Parameters that were found for it, as a JSON object."),
    text("calibration", "How scores become probabilities.", "sigmoid", "isotonic", "none"),
    count("n_labels", "labels", "Labelled accounts with traits that it learned from.", 1),
    count("n_groups", "groups", "Groups of accounts that are never parted between training and test.", 1),
    share("search_score", "Mean macro F1 over the inner folds of all labels: by it the model is chosen."),
    share("balanced_accuracy", "Mean recall of the classes over the outer folds."),
    share("macro_f1", "Mean F1 of the classes over the outer folds."),
    share("macro_f1_low", "Lower end of the 95 % interval of macro F1, groups drawn anew."),
    share("macro_f1_high", "Upper end of the 95 % interval of macro F1, groups drawn anew."),
    number("log_loss", "nats", "Mean negative logarithm of the probability of the right class.", 0),
    number("brier", "", "Mean squared distance of all probabilities from what is right; 0 is perfect.", 0, 2),
    share("ece", "Expected calibration error: distance of probability and share of right ones in 15 equal bins."),
    share("coverage", "Labels for which a value would be given; thresholds come from the other folds."),
    share("precision_at_coverage", "Right values out of those given; null: none is given."),
    share("majority_macro_f1", "Macro F1 of always saying the most frequent class."),
    text("sha256", "SHA-256 of model.skops; null: only the chosen model is stored."),
    text("manifest_sha256", "SHA-256 of manifest.json; null: only the chosen model is stored."),
)
_MODEL_CURVES = (
    text(
        "curve",
        "validation: score by one parameter, the others as they were found. learning: score by number of labels. "
        "calibration: share of right ones by probability. risk_coverage: share of right ones by share of given ones.",
        *CURVES,
    ),
    text("parameter", "What the horizontal axis is: a parameter, labels, probability or coverage."),
    Column("fold", "int32", "Number of the fold; -1: all outer folds together.", minimum=-1),
    share("train_score", "Macro F1 on the rows that were learned from; null: not measured."),
    share("test_score", "Macro F1 on the rows of the fold; of the last two curves the share of right ones."),
)
_VALUES = (
    share("probability", "Probability of the most probable value; null: none was computed."),
    text("second_value", "The second most probable value; null: no value is given."),
    share("second_probability", "Its probability; null: none was computed."),
    flag("abstained", "No value is given."),
    Column("trained_on", "date", "As-of day that the model was trained on.", unit="UTC day"),
)

COLUMNS: tuple[Column, ...] = (*_LABELS, *_PLACES, *TRAIT_COLUMNS, *_MODELS, *_MODEL_CURVES, *_VALUES)

# Names that mean something else in another table.
HOMONYMS: dict[str, Column] = {
    "label.source_file": text("source_file", "Path of the label file below the data root."),
    "label.source_row": count("source_row", "rows", "Row of the label file, 1 is the first below the header.", 1),
    "model.chosen": flag("chosen", "The model that is stored and used."),
    "curve.x": number("x", "", "Place on the horizontal axis."),
    "attribute.reason": text(
        "reason",
        "Why no value is given, or that it comes from a place: by_place: the profile states a place of one country. "
        "no_model: none was trained. too_few_posts: fewer than 10 in the window. unlike_training: over 20 % of the "
        "traits lie outside what the model learned from. low_confidence: values as probable are wrong too often.",
        *ATTRIBUTE_REASONS,
    ),
    "label.reason": text("reason", "Why the label was rejected.", *LABEL_REJECT_REASONS),
}
