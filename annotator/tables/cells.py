"""Regular expressions for risky contents in cells of a table that people open in spreadsheets."""

#: First characters that a spreadsheet might read as a formula or as a quote, including full-width signs.
RISKY = r"^\s*[=+\-@\t\r\"'＝＋－＠]"
NUMBER = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$"
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
