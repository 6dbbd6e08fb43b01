"""Values that a spreadsheet might take for formulas, and the cells that are written for them."""

RISKY: dict[str, str] = {
    "=HYPERLINK(1)": "'=HYPERLINK(1)",
    "+cmd|x": "'+cmd|x",
    "-x": "'-x",
    "@SUM(1)": "'@SUM(1)",
    '"=1': "'\"=1",
    " =1": "' =1",
    "＝1": "'＝1",
    "'": "''",
    "a\x1b[31m": "a?[31m",
    "-1.5": "-1.5",
    "+2e-05": "+2e-05",
    "rs1=1": "rs1=1",
}
