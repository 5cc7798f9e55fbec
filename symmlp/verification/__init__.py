"""Oracles that check a generated module's text against the network's forward definitions, sharing no code with it."""

from symmlp.verification.checking import check_module
from symmlp.verification.loading import ModuleTextError
from symmlp.verification.report import Check, Report

__all__ = ["Check", "ModuleTextError", "Report", "check_module"]
