"""The wire contract of Haidang: one package for node, gateway, tools and tests."""
