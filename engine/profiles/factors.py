"""Collaborative factors: who does things with the same items is near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags_array
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from engine.profiles.settings import ProfileSettings

_DAMPING = 10.0


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Factors of items; those of shoppers follow from them by folding in, without fitting anew.

    Attributes:
        items: Shape (m, f), float32.
        shoppers: Of each item when it was fitted or folded in; shape (m,). The SVD divides by √(shoppers + 10).
        singular: Singular values, shape (f,); zeros for ALS.
        settings: Method and its parameters.

    Source: ALS with confidences c = 1 + α·log(1 + w): Hu, Koren & Volinsky (2008), Collaborative filtering for
    implicit feedback datasets, eqs. 4 and 5, by the library implicit. SVD of the matrix with popular items scaled
    down: Cremonesi, Koren & Turrin (2010), PureSVD.
    """

    items: NDArray[np.float32]
    shoppers: NDArray[np.float64]
    singular: NDArray[np.float32]
    settings: ProfileSettings

    @classmethod
    def fit(cls, matrix: csr_matrix, settings: ProfileSettings, threads: int = 1) -> FactorModel:
        """Fit.

        Args:
            matrix: Weights, shoppers × items.
            settings: Method and its parameters.
            threads: Of ALS.
        """
        size, shoppers = settings.factors, np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float64)
        nothing = np.zeros(size, dtype=np.float32)
        if not matrix.nnz or not size:
            return cls(np.zeros((matrix.shape[1], size), dtype=np.float32), shoppers, nothing, settings)
        # Many small matrices: threads of BLAS cost more than they bring, as implicit warns.
        with threadpool_limits(1, "blas"):
            if settings.method == "svd":
                return _fitted_svd(matrix, shoppers, settings)
            model = _als(settings, threads)
            model.fit(_confidence(matrix), show_progress=False)
        return cls(np.array(model.item_factors, dtype=np.float32), shoppers, nothing, settings)

    def users(self, matrix: csr_matrix, threads: int = 1) -> NDArray[np.float32]:
        """Factors of shoppers by the items' alone; zeros for whom no item is known. Shape (n, f)."""
        if not matrix.nnz or not self.items.any():
            return np.zeros((matrix.shape[0], self.items.shape[1]), dtype=np.float32)
        with threadpool_limits(1, "blas"):
            if self.settings.method == "svd":
                return np.asarray(_scaled(matrix, self.shoppers) @ self.items, dtype=np.float32)
            model = _als(self.settings, threads)
            model.item_factors, model.user_factors = self.items, np.zeros((1, self.items.shape[1]), dtype=np.float32)
            found = model.recalculate_user(np.arange(matrix.shape[0]), _confidence(matrix))
        return np.asarray(found, dtype=np.float32)

    def with_new_items(self, matrix: csr_matrix, threads: int = 1) -> FactorModel:
        """Fold in items that came since.

        Args:
            matrix: Weights, shoppers × items; the known items first, in their order.
            threads: Of ALS.
        """
        known, size = self.items.shape
        fresh = matrix[:, known:]
        shoppers = np.concatenate([self.shoppers, np.bincount(fresh.indices, minlength=fresh.shape[1])])
        if not fresh.shape[1] or not fresh.nnz or not self.items.any():
            items = np.vstack([self.items, np.zeros((fresh.shape[1], size), dtype=np.float32)])
            return FactorModel(items, shoppers, self.singular, self.settings)
        users = self.users(csr_matrix(matrix[:, :known]), threads)
        with threadpool_limits(1, "blas"):
            if self.settings.method == "svd":
                scaled = _scaled(csr_matrix(fresh), shoppers[known:])
                squares = np.where(self.singular > 0, self.singular**2, np.inf)
                folded = np.asarray(scaled.T @ users, dtype=np.float32) / squares
            else:
                model = _als(self.settings, threads)
                model.user_factors, model.item_factors = users, self.items
                folded = model.recalculate_item(np.arange(fresh.shape[1]), _confidence(csr_matrix(fresh.T.tocsr())))
        return FactorModel(np.vstack([self.items, folded]).astype(np.float32), shoppers, self.singular, self.settings)


def _fitted_svd(matrix: csr_matrix, shoppers: NDArray[np.float64], settings: ProfileSettings) -> FactorModel:
    rank = min(settings.factors, min(matrix.shape) - 1)
    items = np.zeros((matrix.shape[1], settings.factors), dtype=np.float32)
    singular = np.zeros(settings.factors, dtype=np.float32)
    if rank > 0:
        start = np.random.default_rng(settings.seed).standard_normal(min(matrix.shape))
        _, values, right = svds(_scaled(matrix, shoppers), k=rank, v0=start)
        largest = np.argsort(-values)
        items[:, :rank], singular[:rank] = right[largest].T, values[largest]
    return FactorModel(items, shoppers, singular, settings)


def _scaled(matrix: csr_matrix, shoppers: NDArray[np.float64]) -> csr_matrix:
    logs = matrix.astype(np.float64)
    logs.data = np.log1p(logs.data)
    return csr_matrix(logs @ diags_array(1.0 / np.sqrt(shoppers + _DAMPING)))


def _confidence(matrix: csr_matrix) -> csr_matrix:
    found = csr_matrix(matrix, dtype=np.float32)
    found.data = np.log1p(found.data)
    return found


def _als(settings: ProfileSettings, threads: int) -> Any:
    from implicit.cpu.als import AlternatingLeastSquares

    return AlternatingLeastSquares(
        factors=settings.factors,
        regularization=settings.regularization,
        alpha=settings.alpha,
        iterations=settings.iterations,
        num_threads=threads,
        random_state=settings.seed,
    )
