"""Contracts of the tables of what accounts are: labels, traits, models, attributes with probabilities.

Here: tables keyed by account, and those about models. Not here: how anything comes about.
"""

from __future__ import annotations

from sm_assets.contracts.attribute_columns import TRAIT_COLUMNS
from sm_assets.contracts.columns import pick
from sm_assets.contracts.schema import Reference, Table

_AS_OF = "Last day of the trailing window in UTC; the partition."
_ACCOUNT = ("platform", "account_id")
_TRAITS = " ".join(f"{column.name}?" for column in TRAIT_COLUMNS)

TABLES: tuple[Table, ...] = (
    Table(
        name="feat_account_labels",
        description=(
            "What people say of accounts, from the files below labels/: what models are trained on. Labels that "
            "contradict each other or cannot be used are in feat_account_label_rejects."
        ),
        grain="one attribute of one account",
        key=(*_ACCOUNT, "attribute"),
        unique_over_days=True,
        columns=pick(
            "platform account_id attribute value group? labelled_by? labelled_at? day",
            day="Day on which the label was made, else of its file's last change, in UTC; the partition.",
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="feat_account_label_rejects",
        description="Rows of label files that are no labels: where they stand and why; their cells are not repeated.",
        grain="one rejected row of one label file",
        key=("source_file", "source_row"),
        columns=pick(
            "label.source_file label.source_row label.reason columns day",
            day="Day on which the label was made, else of its file's last change, in UTC; the partition.",
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_account_traits",
        description=(
            "Every account that wrote in the window, as numbers: how it describes itself, when and what it writes, "
            "whom it turns to. A number that is not known is null, never 0. What models of attributes are trained on."
        ),
        grain="one account",
        key=_ACCOUNT,
        partition="as_of",
        columns=pick(
            f"platform account_id n_posts place_country? place_rule? country_code? {_TRAITS} params_hash day",
            n_posts="Posts, replies and quotes of the account in the window.",
            country_code="Country as the platform states it, an ISO 3166-1 alpha-2 code.",
            day=_AS_OF,
        ),
        kinds=("python", "parquet"),
    ),
    Table(
        name="out_attribute_models",
        description=(
            "Models that tell an attribute of accounts from their traits, and how good they are on accounts of groups "
            "that they have not seen. The chosen ones lie below models/, each with a card."
        ),
        grain="one algorithm for one attribute",
        key=("attribute", "model_id"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "attribute model_id algorithm parameters calibration n_labels n_groups search_score? balanced_accuracy "
            "macro_f1 macro_f1_low macro_f1_high log_loss brier ece coverage precision_at_coverage? majority_macro_f1 "
            "model.chosen sha256? manifest_sha256? day",
            day="As-of day of the traits that the models were trained on; the partition.",
        ),
        kinds=("scikitlearn", "parquet"),
    ),
    Table(
        name="out_attribute_curves",
        description="How scores of models go with parameters, number of labels, probability and share given.",
        grain="one point of one curve of one model in one fold",
        key=("attribute", "model_id", "curve", "parameter", "x", "fold"),
        partition="as_of",
        reach="all_days",
        columns=pick(
            "attribute model_id curve parameter curve.x fold train_score? test_score day",
            day="As-of day of the traits that the models were trained on; the partition.",
        ),
        references=(Reference(("attribute", "model_id"), "out_attribute_models", ("attribute", "model_id")),),
        kinds=("scikitlearn", "parquet"),
    ),
    Table(
        name="out_account_attributes",
        description=(
            "What accounts are, as far as it can be told: person, company or bot, and country; others where asked for. "
            "Where nothing is given, the reason is. Estimates from traits, not facts about people."
        ),
        grain="one attribute of one account",
        key=(*_ACCOUNT, "attribute"),
        partition="as_of",
        columns=pick(
            "platform account_id attribute value? probability? second_value? second_probability? abstained "
            "attribute.reason? model_id? trained_on? params_hash day",
            value="The value; null: none is given, see `reason`.",
            model_id="Model that the value comes from, or `place-lookup/` and its version.",
            day=_AS_OF,
        ),
        references=(Reference(_ACCOUNT, "out_account_traits", _ACCOUNT),),
        kinds=("scikitlearn", "parquet"),
    ),
)
