"""The store on a Neo4j server: its driver, loads by several writers, files for neo4j-admin import."""
