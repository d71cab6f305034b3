"""A small data set in the form of FAR-Trans: the same files, columns and oddities, made by a few lines."""

from datetime import date, timedelta
from pathlib import Path

CUSTOMERS = "customerID,customerType,riskLevel,investmentCapacity,lastQuestionnaireDate,timestamp"
ASSETS = "ISIN,assetName,assetShortName,assetCategory,assetSubCategory,marketID,sector,industry,timestamp"
MARKETS = "exchangeID,marketID,name,description,country,tradingDays,tradingHours,marketClass"
TRANSACTIONS = "customerID,ISIN,transactionID,transactionType,timestamp,totalValue,units,channel,marketID"
PRICES = "ISIN,timestamp,closePrice"

Trade = tuple[str, str, str, str]


def price_days(first: date, last: date) -> list[date]:
    """Monday to Friday."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


def write(folder: Path, trades: list[Trade], prices: dict[str, dict[date, float]]) -> Path:
    """The files; trades are (customer, asset, Buy or Sell, day)."""
    folder.mkdir(parents=True, exist_ok=True)
    customers = sorted({trade[0] for trade in trades})
    lines = [CUSTOMERS]
    for n, name in enumerate(customers):
        level = ("Conservative", "Predicted_Balanced", "Not_Available")[n % 3]
        lines.append(f"{name},Mass,{level},CAP_LT30K,2018-05-01,2018-05-02")
    # The first customer was asked again later: two lines.
    lines.append(f"{customers[0]},Premium,Aggressive,CAP_80K_300K,2020-06-01,2020-06-02")
    (folder / "customer_information.csv").write_text("\n".join(lines) + "\n")
    lines = [ASSETS]
    for n, isin in enumerate(sorted(prices)):
        sector = "" if n % 2 else "Energy"
        lines.append(f'{isin},"FUND {n}, CLASS A",F{n},{("Stock", "MTF")[n % 2]},Balanced,AEDAK,{sector},,2018-01-02')
    lines.append(lines[1].replace("FUND 0, CLASS A", "FUND 0 RENAMED").replace("2018-01-02", "2019-01-02"))
    (folder / "asset_information.csv").write_text("\n".join(lines) + "\n")
    market = 'AEDAK,AEDAK,AEDAK Funds,"Mutual funds, offered by banks",Greece,"Mon,Tue,Wed,Thu,Fri",08:15-15:20,Public'
    (folder / "markets.csv").write_text(f"{MARKETS}\n{market}\n")
    lines = [TRANSACTIONS]
    for n, (customer, isin, kind, day) in enumerate(trades):
        lines.append(f"{customer},{isin},{n},{kind},{day},100.5,3.0,Branch,AEDAK")
    (folder / "transactions.csv").write_text("\n".join(lines) + "\n")
    lines = [PRICES]
    for isin, series in prices.items():
        lines += [f"{isin},{day},{price}" for day, price in series.items()]
    (folder / "close_prices.csv").write_text("\n".join(lines) + "\n")
    return folder
