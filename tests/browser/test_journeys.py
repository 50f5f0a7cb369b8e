"""What an operator does in a day, in real Chromium on a store that has watched a shop."""
import time
import pytest
from flask import Flask
from tests.browser.shop import EMAIL, PASSWORD

@pytest.fixture
def cloned_store(shop_store: Flask) -> Flask:
    return shop_store

def test_time(page, live_server):
    page.goto("/t/shop/queries")
    print(page.inner_text("main"))
    page.goto("/t/shop/tables")
    print(page.inner_text("main"))
    page.goto("/t/shop/")
    print(page.inner_text("main"))
    page.goto("/")
    print(page.inner_text("main"))
    page.goto("/alerts")
    print(page.inner_text("main"))
