"""What is risky in a cell of a table that people open in spreadsheets, as regular expressions."""

#: How a cell begins that a spreadsheet might run as a formula or take for a quoted one; full-width signs count too.
RISKY = r"^\s*[=+\-@\t\r\"'＝＋－＠]"
NUMBER = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$"
CONTROL = r"[\x00-\x1f\x7f-\x9f]"
