"""Two more invented banks, with files put together by hand: titles, totals, headers again, amounts in columns."""

import datetime
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.banks.checker import Facts
from tests.banks.invented import Truth, day, likes, write_rows

CITIES, CLASSES = ("杭州", "苏州", "武汉", "青岛"), ("普通", "财富", "私行")
LEVELS, TOLERANCES = ("R1 低风险", "R3 中风险", "R5 高风险"), ("C1 保守型", "C3 稳健型", "C5 进取型")
TOWNS, BANDS = ("Stockport", "Bradford", "Coventry", "Rugby"), ("Standard", "Loyalty", "Heritage")


def fund_seller(folder: Path) -> Truth:
    """A Chinese seller of funds: one workbook with two sheets, titles above, totals below, a column for each fund."""
    import xlsxwriter

    chance = random.Random(51)
    customers = [f"JJ{20230001 + 11 * i}" for i in range(180)]
    funds = [f"{110000 + 137 * i:06}" for i in range(24)]
    consents = {customer: chance.random() < 0.7 for customer in customers}
    closed = frozenset(funds[i] for i in (3, 10, 20))
    pairs = frozenset(likes(chance, customers, funds, 4))
    names: dict[str, str] = {}
    with xlsxwriter.Workbook(folder / "客户持仓总表20250131.xlsx") as book:
        as_day = book.add_format({"num_format": "yyyy/mm/dd"})
        sheet = book.add_worksheet("产品目录")
        sheet.write(0, 0, "在售及历史产品目录")
        head = ["基金代码", "基金名称", "基金类型", "风险等级", "起购金额(元)", "年管理费率", "销售状态", "成立日期"]
        sheet.write_row(2, 0, head)
        for i, fund in enumerate(funds):
            kind = ("货币型", "债券型", "股票型")[i % 3]
            name = f"{('恒泰', '瑞丰', '金鹏')[i // 3 % 3]}{kind}基金{chr(65 + i)}"
            names[name] = fund
            fee, status = f"{0.15 + i % 10 / 10:.2f}%", "终止销售" if fund in closed else "正常销售"
            sheet.write_row(3 + i, 0, [fund, name, kind, LEVELS[i // 3 % 3], 100 * (1 + i % 5), fee, status])
            sheet.write_datetime(3 + i, 7, datetime.date(2012 + i % 9, 1 + i % 12, 3), as_day)
        sheet.write_row(3 + len(funds), 0, ["合计", f"{len(funds)}只"])
        sheet = book.add_worksheet("客户持仓")
        sheet.write(0, 0, "客户持仓总表（单位：元）")
        sheet.write(1, 0, "截至2025年1月31日")
        head = ["客户编号", "客户姓名", "手机号码", "出生日期", "所在城市", "客户类别", "风险承受能力", "接受营销短信"]
        sheet.write_row(3, 0, [*head, *funds])
        for i, customer in enumerate(customers):
            sheet.write_row(4 + i, 0, [customer, f"李{('敏', '强', '静')[i % 3]}{i}", f"138{i:08}"])
            sheet.write_datetime(4 + i, 3, datetime.date(1950 + i % 50, 1 + i % 12, 1 + i % 28), as_day)
            says = "同意" if consents[customer] else ("不同意", "拒绝")[i % 2]
            sheet.write_row(4 + i, 4, [CITIES[i % 4], CLASSES[i // 2 % 3], TOLERANCES[i % 3], says])
            for j, fund in enumerate(funds):
                if (customer, fund) in pairs:
                    sheet.write(4 + i, 8 + j, 10 * chance.randint(10, 9000) + 0.5)
                elif (i + j) % 7 == 0:
                    sheet.write(4 + i, 8 + j, "/")
                elif (i + j) % 11 == 0:
                    sheet.write(4 + i, 8 + j, 0)
        sheet.write_row(4 + len(customers), 0, ["合计", *[""] * 7, *[1_000_000 + j for j in range(len(funds))]])
    facts = Facts(
        names=names,
        acted=pairs,
        bought=pairs,
        traits={one: (CITIES[i % 4], CLASSES[i // 2 % 3], TOLERANCES[i % 3]) for i, one in enumerate(customers)},
        risk={fund: i // 3 % 3 for i, fund in enumerate(funds)},
        tolerance={one: i % 3 for i, one in enumerate(customers)},
    )
    return Truth(consents, closed, pairs, 60, facts)


def building_society(folder: Path) -> Truth:
    """A building society: joint accounts, withdrawn issues, a header for each branch, a name of a column twice."""
    chance = random.Random(54)
    members = [f"M{100200 + 3 * i}" for i in range(180)]
    products = [f"{('FRB', 'ISA', 'MTG')[i % 3]}{i:03}" for i in range(30)]
    consents = {member: chance.random() < 0.7 and i % 37 != 36 for i, member in enumerate(members)}
    agreed = {member: consents[member] or i % 37 == 36 for i, member in enumerate(members)}
    closed, names = frozenset(products[i] for i in (4, 14, 26)), dict[str, str]()
    head = ["Membership No", "Title", "Surname", "Forename", "DOB", "Postcode", "Town", "Branch", "Marketing: Email"]
    rows: list[Sequence[Any]] = [[*head, "Deceased", "Member Since", "Member Band"]]
    for i, member in enumerate(members):
        if i and i % 60 == 0:
            rows.append(rows[0])
        born = f"{1 + i % 28:02}-{('Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun')[i % 6]}-{1935 + i % 65}"
        rows.append(
            [
                member, ("Mr", "Mrs", "Ms")[i % 3], f"Walker{i}", "Jo", born,
                f"{('SK', 'BD', 'CV')[i % 3]}{1 + i % 12} {i % 9}AB", TOWNS[i % 4], f"Branch {i % 6}",
                "Yes" if agreed[member] else "No", "Y" if i % 37 == 36 else "N",
                f"{1 + i % 28:02}/0{1 + i % 9}/{1990 + i % 30}", BANDS[i // 2 % 3],
            ]
        )  # fmt: skip
    rows.append(["Total records:", len(members), *[""] * 10])
    write_rows(folder / "members.csv", rows, encoding="cp1252")
    head = ["Product Code", "Product Name", "Product Type", "Rate Type", "AER/Gross %", "Fixed Until", "Launch Date"]
    rows = [[*head, "Withdrawn Date", "Min Opening Balance", "Max Age", "Max Age"]]
    for i, product in enumerate(products):
        name = f"{('Fixed Rate Bond', 'Cash ISA', 'Mortgage')[i % 3]} Issue {100 + i}"
        names[name] = product
        rows.append(
            [
                product, name, ("Bond", "ISA", "Mortgage")[i % 3], ("Fixed", "Variable")[i // 3 % 2],
                f"{1 + i % 5}.{i % 10}5%", "N/A" if i // 3 % 2 else f"30/09/20{26 + i % 3}",
                f"01/0{1 + i % 9}/20{15 + i % 9}", f"{1 + i:02}/06/2024" if product in closed else "N/A",
                f"£{100 * (1 + i % 5):,}.00", "", "",
            ]
        )  # fmt: skip
    write_rows(folder / "products.csv", rows, encoding="cp1252")
    held, acted = set[tuple[str, str]](), set[tuple[str, str]]()
    head = ["Account No", "Roll No", "Primary Holder", "Joint Holder", "Product Code", "Opened", "Closed"]
    rows = [[*head, "Balance (£)", "Status"]]
    for i, (member, product) in enumerate(likes(chance, members, products, 4)):
        joint = members[7 * i % len(members)] if i % 6 == 0 and members[7 * i % len(members)] != member else ""
        both = {(one, product) for one in (member, joint) if one}
        acted |= both
        held |= both if i % 8 else set()
        rows.append(
            [
                f"{30000000 + 17 * i}", f"R/{i:05}", member, joint, product, f"{day(chance):%d/%m/%Y}",
                "" if i % 8 else f"{1 + i % 28:02}/01/2025", f"£{chance.randint(1, 90000):,}.{i % 100:02}",
                ("Open", "Open", "Dormant")[i % 3] if i % 8 else "Closed",
            ]
        )  # fmt: skip
    rows.append([*[""] * 6, "TOTAL", "£12,345,678.90", ""])
    write_rows(folder / "accounts.csv", rows, encoding="cp1252")
    facts = Facts(
        names=names,
        acted=acted,
        bought=acted,
        traits={one: (TOWNS[i % 4], f"Branch {i % 6}", BANDS[i // 2 % 3]) for i, one in enumerate(members)},
    )
    return Truth(consents, closed, frozenset(held), 60, facts)
