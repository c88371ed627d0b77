"""The words of the report, a catalogue a language."""
