"""Turns the rows that `maru_langid measure` prints into the table and the confusions of docs/langid.md.

    maru_langid measure assets/langid.bin LABELLED.jsonl... | python3 bench/langid_table.py
"""

import sys

table: dict[str, list] = {}
confusions: dict[tuple[str, str], int] = {}
for line in sys.stdin:
    name, language, texts, accuracy, mistakes = (cell.strip() for cell in line.strip().strip("|").split("|"))
    table.setdefault(name, []).append((language, int(texts), float(accuracy.split()[0]), mistakes))
    words = mistakes.split()
    for guess, count in zip(words[::2], words[1::2]):
        confusions[language, guess] = confusions.get((language, guess), 0) + int(count)
print("| Set | Texts | Per language, % | Mistaken for (texts) |\n|---|---|---|---|")
for name, rows in table.items():
    perfect = [language for language, _, accuracy, _ in rows if accuracy == 100]
    others = [f"{language} {accuracy:g}" for language, _, accuracy, _ in rows if accuracy < 100]
    cells = ([f"100: {' '.join(perfect)}"] if perfect else []) + others
    wrong = [f"{language} → {mistakes}" for language, _, _, mistakes in rows if mistakes]
    print(f"| {name} | {sum(row[1] for row in rows)} | {'; '.join(cells)} | {'; '.join(wrong)} |")
print("\n| Language | taken for | texts |\n|---|---|---|")
for (language, guess), count in sorted(confusions.items(), key=lambda item: (-item[1], item[0])):
    if count >= 10:
        print(f"| {language} | {guess} | {count} |")
