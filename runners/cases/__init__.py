"""Disputes of the kind that kinprint exists for, played through: configs/experiment/*.yaml."""
