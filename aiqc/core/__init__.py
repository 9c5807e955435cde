"""The vocabulary: errors, enums, frozen values, protocols, codecs. Knows no other room."""

from __future__ import annotations
