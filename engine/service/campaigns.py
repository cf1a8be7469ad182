"""What people set: campaigns, their copy, and the shares of users outside the learned policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.core.campaign import Campaign, Shares
from engine.core.catalogue import Catalogue
from engine.core.errors import FailedPrecondition, InvalidInput, NotFound
from engine.core.reading import plain, read
from engine.core.variant import Variant, VariantState
from engine.store.documents import DocumentStore

_CAMPAIGN = "campaign"
_CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Stored:
    """A campaign with the revision that a change must name to change just that."""

    campaign: Campaign
    revision: int


class Campaigns:
    """Campaigns as documents, each change a new revision; catalogues by digest, for the learner and for logs."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    def create(self, settings: dict[str, Any], *, file: str = "") -> Stored:
        """Store a new campaign.

        Raises:
            ConfigError: Naming the key that is wrong.
            FailedPrecondition: If the campaign exists.
        """
        campaign = read(Campaign, settings, file=file)
        if self._documents.get(_CAMPAIGN, campaign.id) is not None:
            raise FailedPrecondition(
                f"campaign {campaign.id!r} exists; change it with `campaign update`, or use a new id"
            )
        return self._save(campaign, expected=0)

    def update(self, campaign_id: str, settings: dict[str, Any], expected_revision: int | None = None) -> Stored:
        """Replace a campaign's settings.

        Variants that the settings leave out stay as they are.

        Raises:
            ConfigError: Naming the key that is wrong.
            NotFound: If there is no such campaign.
            FailedPrecondition: If the campaign has moved on from the expected revision.
        """
        present = self.get(campaign_id)
        campaign = read(Campaign, {**settings, "id": campaign_id})
        if "variants" not in settings:
            campaign = campaign.with_variants(present.campaign.variants)
        return self._save(campaign, expected_revision or present.revision)

    def get(self, campaign_id: str) -> Stored:
        """The campaign as it stands.

        Raises:
            NotFound: If there is no such campaign.
        """
        found = self._documents.get(_CAMPAIGN, campaign_id)
        if found is None:
            raise NotFound(f"campaign: no campaign {campaign_id[:64]!r}")
        return Stored(read(Campaign, found.document, file=f"campaign {campaign_id}"), found.revision)

    def all(self) -> list[Stored]:
        """Every campaign, by id."""
        found = self._documents.list(_CAMPAIGN)
        return [Stored(read(Campaign, d.document, file=f"campaign {d.id}"), d.revision) for d in found]

    def put_variants(self, campaign_id: str, variants: tuple[Variant, ...]) -> Stored:
        """Add variants, or replace those with the same ids.

        Raises:
            NotFound: If there is no such campaign.
            InvalidInput: If a variant has a channel that the campaign does not.
        """
        present = self.get(campaign_id)
        channels = {channel.id for channel in present.campaign.channels}
        for variant in variants:
            if not variant.channels:
                raise InvalidInput(
                    "expected copy for at least one channel; without it the variant is never sent",
                    field=f"variants.{variant.id}.channels",
                )
            if unknown := set(variant.channels) - channels:
                raise InvalidInput(
                    f"unknown channel {sorted(unknown)[0]!r}, the campaign has {', '.join(sorted(channels))};"
                    " add the channel to the campaign, or leave its text out",
                    field=f"variants.{variant.id}.channels",
                )
        merged = {variant.id: variant for variant in (*present.campaign.variants, *variants)}
        return self._save(present.campaign.with_variants(tuple(merged.values())), present.revision)

    def set_variant_state(self, campaign_id: str, variant_id: str, state: VariantState) -> Stored:
        """Approve, pause or kill one variant.

        Raises:
            NotFound: If the campaign or the variant does not exist.
            FailedPrecondition: If the variant was killed: that is for good.
        """
        present = self.get(campaign_id)
        variants = {str(variant.id): variant for variant in present.campaign.variants}
        if variant_id not in variants:
            raise NotFound(f"variant: campaign {campaign_id!r} has no variant {variant_id[:64]!r}")
        if variants[variant_id].state is VariantState.KILLED and state is not VariantState.KILLED:
            raise FailedPrecondition(f"variant {variant_id!r} was killed; add it under a new id")
        variants[variant_id] = replace(variants[variant_id], state=state)
        return self._save(present.campaign.with_variants(tuple(variants.values())), present.revision)

    def set_shares(self, campaign_id: str, control: float | None, holdout: float | None) -> Stored:
        """Change the shares of users outside the learned policy.

        Raises:
            NotFound: If there is no such campaign.
            ConfigError: If a share is out of range.
        """
        present = self.get(campaign_id)
        shares = present.campaign.shares
        changed = Shares(
            holdout=shares.holdout if holdout is None else holdout,
            control=shares.control if control is None else control,
            rotation=shares.rotation,
        )
        return self._save(replace(present.campaign, shares=changed), present.revision)

    def catalogue(self, digest: str) -> Catalogue:
        """The catalogue that decisions with this digest were made from.

        Raises:
            NotFound: If it was never stored.
        """
        found = self._documents.get(_CATALOGUE, digest)
        if found is None:
            raise NotFound(f"catalogue: none with digest {digest[:64]!r}")
        return read(Catalogue, found.document, file=f"catalogue {digest}")

    def close(self) -> None:
        """Close the documents."""
        self._documents.close()

    def revision_of_all(self) -> int:
        """A number that changes with any change here or in another process."""
        return self._documents.revision_of_all()

    def _save(self, campaign: Campaign, expected: int) -> Stored:
        """Store the catalogue first: a decision must never name one that nobody can look up."""
        catalogue = campaign.catalogue()
        if self._documents.get(_CATALOGUE, catalogue.digest) is None:
            self._documents.put(_CATALOGUE, catalogue.digest, plain(catalogue), None)
        return Stored(campaign, self._documents.put(_CAMPAIGN, campaign.id, plain(campaign), expected))
