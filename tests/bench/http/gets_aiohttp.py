"""gets_aiohttp.py URL COUNT AT_ONCE: so many GETs, as aiohttp on uvloop does them."""
import asyncio
import sys

import aiohttp
import uvloop


async def main(url, count, at_once):
    left = count
    size = 0
    connector = aiohttp.TCPConnector(limit=at_once, limit_per_host=at_once)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def worker():
            nonlocal left, size
            while left > 0:
                left -= 1
                async with session.get(url) as response:
                    response.raise_for_status()
                    size += len(await response.read())

        await asyncio.gather(*(worker() for _ in range(at_once)))
    print(size)


uvloop.install()
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
